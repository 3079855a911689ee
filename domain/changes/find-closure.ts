import type { BreakGlass } from "#domain/approval/break-glass.ts";
import { findOpening } from "./find-opening.ts";
import { everyModel, type Freeze } from "./freezes.ts";

/** Why no delivery may change prod now. */
export type Closure = {
  /** When it opens, epoch milliseconds; null: its hours never open together. */
  readonly until: number | null;
  /** A sentence without a final period. */
  readonly why: string;
};

const describeFreeze = ({ scope, by, reason }: Freeze): string =>
  `${scope === everyModel ? "all models are" : `${scope} is`} frozen by ${by.name}: ${reason}`;

/**
 * Whether freezes or hours forbid a change of prod at `now`; undefined: prod is open.
 * @param freezes those of the model and of all models that are in force
 * @param prodHours of the rules in force
 * @param breakGlass who let a delivery change prod although it was closed: for it, hours and the freezes of that time count
 * no longer. A freeze that came later does, because that person knew nothing of it
 */
export const findClosure = ({
  freezes,
  prodHours,
  breakGlass,
  now,
}: {
  readonly freezes: readonly Freeze[];
  readonly prodHours: readonly string[];
  readonly breakGlass: Pick<BreakGlass, "at"> | null | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
}): Closure | undefined => {
  const inForce = freezes.filter(({ at, until }) => until > now && (!breakGlass || at > breakGlass.at));
  const hours = breakGlass ? [] : prodHours;
  const isOutside = findOpening(hours, now) !== now;
  if (inForce.length === 0 && !isOutside) return undefined;
  const thawed = Math.max(now, ...inForce.map(({ until }) => until));
  return {
    until: findOpening(hours, thawed) ?? null,
    why: [
      ...inForce.map(describeFreeze),
      ...(isOutside ? [`outside the hours for prod (${hours.join("; ")})`] : []),
    ].join("; "),
  };
};
