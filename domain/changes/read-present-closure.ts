import { createApprovalReader } from "#domain/approval/approval-records.ts";
import type { Store } from "#platform/store/store.ts";
import type { Closure } from "./find-closure.ts";
import { findPresentClosure } from "./find-present-closure.ts";
import { createFreezes, type Freeze } from "./freezes.ts";
import { createHolds, type Hold } from "./holds.ts";

/** `findPresentClosure` for deliveries that are under way, from the store; `freezes` saves reading them for each of a list. */
export const readPresentClosure = ({
  store,
  clock,
}: {
  readonly store: Store;
  /** Epoch milliseconds. */
  readonly clock: () => number;
}) => {
  const holds = createHolds({ store });
  const approvals = createApprovalReader({ store });
  const { list } = createFreezes({ store, clock });
  return async (
    { delivery, model }: Pick<Hold, "delivery" | "model">,
    freezes?: readonly Freeze[],
  ): Promise<Closure | undefined> => {
    const [hold, inForce] = await Promise.all([holds.read(delivery), freezes ?? list()]);
    const facts = { model, hold, freezes: inForce, now: clock() };
    // Most deliveries wait for nothing, and need no look at their questions.
    if (!findPresentClosure({ ...facts, breakGlass: null })) return undefined;
    const question = (await approvals.ofDelivery(delivery)).findLast(({ canary }) => canary === null);
    return findPresentClosure({ ...facts, breakGlass: question?.breakGlass });
  };
};
