import type { Claims } from "#domain/claims/claims.ts";
import type { Deployment } from "#domain/ledger/ledger.ts";
import {
  type RestoreEnvironmentDependencies as RestoreNeeds,
  restoreEnvironment,
} from "./restore-environment.ts";

export type SyncStageDependencies = RestoreNeeds & { readonly claims: Claims; readonly clock: () => number };

type StageSyncResult =
  | { readonly status: "restored" | "busy" }
  | { readonly status: "failed"; readonly error: unknown };

/**
 * Deploys what prod serves to stage after a person's rollback, unless a delivery holds stage. A failure here does not undo
 * the rollback of prod.
 * @param id of the rollback
 */
export const syncStage =
  (dependencies: SyncStageDependencies) =>
  async ({
    model,
    id,
    target,
  }: {
    model: string;
    id: string;
    target: Deployment;
  }): Promise<StageSyncResult> => {
    const { claims, clock } = dependencies;
    const now = clock();
    const request = { environment: "stage" as const, model, delivery: id, requestedAt: now, now };
    try {
      const grant = await claims.take(request, "free");
      if (grant.status === "busy") return { status: "busy" };
      await restoreEnvironment(dependencies)("stage", { model, delivery: id, fence: grant.fence }, target);
      await claims.release("stage", model, id);
      return { status: "restored" };
    } catch (error) {
      // The claim stays open for the sweep.
      return { status: "failed", error };
    }
  };
