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
 */
export const findClosure = ({
  freezes,
  prodHours,
  now,
}: {
  readonly freezes: readonly Freeze[];
  readonly prodHours: readonly string[];
  readonly now: number;
}): Closure | undefined => {
  const inForce = freezes.filter(({ until }) => until > now);
  const isOutside = findOpening(prodHours, now) !== now;
  if (inForce.length === 0 && !isOutside) return undefined;
  const thawed = Math.max(now, ...inForce.map(({ until }) => until));
  return {
    until: findOpening(prodHours, thawed) ?? null,
    why: [
      ...inForce.map(describeFreeze),
      ...(isOutside ? [`outside the hours for prod (${prodHours.join("; ")})`] : []),
    ].join("; "),
  };
};
