import type { ClaimItem } from "#domain/claims/claims.ts";
import { restoreEnvironment } from "./restore-environment.ts";
import { type SyncStageDependencies, syncStage } from "./sync-stage.ts";

/**
 * Ends a person's rollback that died on the way, by the claim that it left: its environment goes to what the ledger
 * says (forward where it was written as promoted, back where it was not), and then the claim goes back. The alias may
 * be one that the ledger does not explain, or bear a canary whose delivery may not write any more.
 */
export const finishRollback =
  (needs: SyncStageDependencies) =>
  async ({ environment, model, fence }: ClaimItem, id: string): Promise<void> => {
    const { claims, ledger } = needs;
    const target = await ledger.serving("prod", model);
    await restoreEnvironment(needs)(environment, { model, delivery: id, fence }, target);
    const entry = await ledger.ofDelivery(environment, model, id);
    if (entry?.status === "promoted") await syncStage(needs)({ model, id, target: entry });
    else if (entry) await ledger.change(entry, (current) => ({ ...current, status: "ended" }));
    await claims.release(environment, model, id);
  };
