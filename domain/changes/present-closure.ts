import { createApprovalReader } from "#domain/approval/approval-records.ts";
import type { BreakGlass } from "#domain/approval/break-glass.ts";
import type { Store } from "#platform/store/store.ts";
import { type Closure, findClosure } from "./find-closure.ts";
import { createFreezes, everyModel, type Freeze } from "./freezes.ts";
import { createHolds, type Hold } from "./holds.ts";
import { isAnsweredHold } from "./is-answered-hold.ts";

/**
 * Why prod is closed for a delivery, as people should read it; undefined: it is open, or somebody let the delivery change it.
 * Its stored hold knows the hours, too. Before the delivery looks (its question is open, or its canary bakes), a freeze is
 * known already. Epoch milliseconds.
 * @param freezes those in force; those of other models count for nothing
 */
export const findPresentClosure = ({
  model,
  hold,
  freezes,
  breakGlass,
  now,
}: {
  readonly model: string;
  readonly hold: Hold | undefined;
  readonly freezes: readonly Freeze[];
  readonly breakGlass: BreakGlass | null | undefined;
  readonly now: number;
}): Closure | undefined => {
  if (hold?.current && !isAnsweredHold(hold.current, breakGlass))
    return { until: hold.current.until, why: hold.current.why };
  const own = freezes.filter(({ scope }) => scope === model || scope === everyModel);
  return findClosure({
    freezes: breakGlass ? own.filter(({ at }) => at > breakGlass.at) : own,
    prodHours: [],
    now,
  });
};

/** The same for deliveries that are under way, from the store; `freezes` saves reading them for each of a list. */
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
