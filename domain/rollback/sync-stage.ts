import type { Claims } from "#domain/claims/claims.ts";
import type { Deployment } from "#domain/ledger/ledger.ts";
import {
  type RestoreEnvironmentDependencies as RestoreNeeds,
  restoreEnvironment,
} from "./restore-environment.ts";

export type SyncStageDependencies = RestoreNeeds & { readonly claims: Claims; readonly clock: () => number };

type StageSyncResult =
  | { readonly status: "restored" | "busy" }
  | { readonly status: "failed"; readonly fault: unknown };

/**
 * Puts stage to what prod serves after a person's rollback, unless a delivery is at work there; prod is
 * rolled back whatever becomes of stage.
 * @param id the rollback's
 */
export const syncStage =
  (needs: SyncStageDependencies) =>
  async ({
    model,
    id,
    target,
  }: {
    model: string;
    id: string;
    target: Deployment;
  }): Promise<StageSyncResult> => {
    const { claims, clock } = needs;
    const now = clock();
    const request = { environment: "stage" as const, model, delivery: id, requestedAt: now, now };
    try {
      const grant = await claims.take(request, "free");
      if (grant.status === "busy") return { status: "busy" };
      await restoreEnvironment(needs)("stage", { model, delivery: id, fence: grant.fence }, target);
      await claims.release("stage", model, id);
      return { status: "restored" };
    } catch (fault) {
      // The claim stays open: sweep-deliveries tries again.
      return { status: "failed", fault };
    }
  };
