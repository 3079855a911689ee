import type { BreakGlass } from "#domain/approval/break-glass.ts";
import { type Closure, findClosure } from "./find-closure.ts";
import { everyModel, type Freeze } from "./freezes.ts";
import type { Hold } from "./holds.ts";
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
  return findClosure({ freezes: own, prodHours: [], breakGlass, now });
};
