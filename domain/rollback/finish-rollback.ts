import type { ClaimItem } from "#domain/claims/claims.ts";
import { restoreEnvironment } from "./restore-environment.ts";
import { type SyncStageDependencies, syncStage } from "./sync-stage.ts";

/**
 * Finishes a person's interrupted rollback, found by its open claim: restores what the ledger says (forward if the rollback
 * was already promoted, otherwise back), then releases the claim. The alias may be in any state, even with the canary of a
 * delivery that may no longer write.
 */
export const finishRollback =
  (dependencies: SyncStageDependencies) =>
  async ({ environment, model, fence }: ClaimItem, id: string): Promise<void> => {
    const { claims, ledger } = dependencies;
    const target = await ledger.serving("prod", model);
    await restoreEnvironment(dependencies)(environment, { model, delivery: id, fence }, target);
    const entry = await ledger.ofDelivery(environment, model, id);
    if (entry?.status === "promoted") await syncStage(dependencies)({ model, id, target: entry });
    else if (entry) await ledger.change(entry, (current) => ({ ...current, status: "ended" }));
    await claims.release(environment, model, id);
  };
