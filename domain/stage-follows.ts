import type { Claims } from "./claims.ts";
import type { Deployment } from "./ledger.ts";
import { type Needs as RestoreNeeds, restore } from "./restore.ts";

export type Needs = RestoreNeeds & { readonly claims: Claims; readonly clock: () => number };

/**
 * Puts stage to what prod serves after a person's rollback, unless a delivery is at work there.
 * @param id the rollback's
 */
export const stageFollows =
  (needs: Needs) =>
  async ({ model, id, target }: { model: string; id: string; target: Deployment }): Promise<void> => {
    const { claims, clock } = needs;
    const now = clock();
    const request = { environment: "stage" as const, model, delivery: id, requestedAt: now, now };
    const grant = await claims.take(request, "free");
    if (grant.status === "busy") return;
    try {
      await restore(needs)("stage", { model, delivery: id, fence: grant.fence }, target);
    } finally {
      await claims.release("stage", model, id);
    }
  };
