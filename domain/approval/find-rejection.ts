import { createDeliveryIndex } from "#domain/delivery/delivery-index.ts";
import type { Store } from "#platform/store/store.ts";
import { createApprovalReader } from "./approval-records.ts";
import type { EarlierRejection } from "./earlier-rejection.ts";

/** Deliveries of a model that are looked at, newest first. */
const maxScanned = 1_000;

/** The newest rejection of a commit of a model by an earlier delivery; undefined: nobody rejected it. */
export const findRejection =
  ({ store }: { readonly store: Pick<Store, "get" | "page"> }) =>
  async ({
    model,
    commit,
    delivery,
  }: {
    readonly model: string;
    readonly commit: string;
    /** The present one, whose own decisions are not of before. */
    readonly delivery: string;
  }): Promise<EarlierRejection | undefined> => {
    const approvals = createApprovalReader({ store });
    let scanned = 0;
    for await (const page of createDeliveryIndex({ store }).newestFirst({ model, limit: 250 })) {
      for (const { entry } of page) {
        if (entry.commit !== commit || entry.delivery === delivery) continue;
        const rejected = (await approvals.ofDelivery(entry.delivery)).findLast(
          ({ state }) => "decision" in state && state.decision.status === "rejected",
        );
        if (!rejected || !("decision" in rejected.state)) continue;
        const { by, decidedAt, reason } = rejected.state.decision;
        return {
          delivery: entry.delivery,
          by: by.map(({ user, name }) => ({ user, name })),
          at: decidedAt,
          reason,
          canaryPercent: rejected.canary?.percent ?? null,
        };
      }
      scanned += page.length;
      if (scanned >= maxScanned) return undefined;
    }
    return undefined;
  };
export type FindRejection = ReturnType<typeof findRejection>;
