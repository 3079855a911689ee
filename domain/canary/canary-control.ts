import * as z from "zod";
import { formatDuration } from "./format-duration.ts";
import { sumCoveredTime, type TimeSpan } from "./sum-covered-time.ts";

const Given = z.object({
  /** Slack user id and name of who gave the order. */
  by: z.string(),
  name: z.string(),
  /** Epoch milliseconds, like all times here. */
  at: z.int(),
});
const Hold = Given.extend({
  until: z.int(),
  /** Set when something ended it before `until`: a "go", or a newer hold. */
  endedAt: z.int().nullable(),
  reason: z.string(),
});
export type CanaryHold = z.infer<typeof Hold>;

/** What people ordered about the canary of one delivery. One item, changed by conditional writes alone. */
export const CanaryControl = z.object({
  holds: z.array(Hold),
  /** The step whose question is to be asked now, instead of when the canary's time is over. */
  go: Given.extend({ step: z.int().min(0) }).nullable(),
  abort: Given.extend({ reason: z.string() }).nullable(),
  /** What the last round decided: orders that come later find the canary there. Null: it stays at its step. */
  decided: z.object({ next: z.enum(["shift", "promote", "ask"]), step: z.int().min(0) }).nullable(),
  /** The promotion has begun: nothing can be ordered any more. */
  closed: z.boolean(),
});
export type CanaryControl = z.infer<typeof CanaryControl>;

/** An order as the ledger keeps it. */
export const CanaryOrderRecord = Given.extend({
  kind: z.enum(["hold", "go", "abort"]),
  /** The end of a hold. */
  until: z.int().nullable(),
  reason: z.string().nullable(),
});
export type CanaryOrderRecord = z.infer<typeof CanaryOrderRecord>;

export const emptyControl: CanaryControl = {
  holds: [],
  go: null,
  abort: null,
  decided: null,
  closed: false,
};

export const holdLimits = {
  /** One hold. */
  longestMs: 24 * 3_600_000,
  /** All holds of a canary together: each prolongs the time in which prod is not certain. */
  totalMs: 72 * 3_600_000,
  count: 50,
} as const;

/** For the ledger: every order, oldest first. */
export const listOrders = ({ holds, go, abort }: CanaryControl): CanaryOrderRecord[] =>
  [
    ...holds.map((hold) => ({
      kind: "hold" as const,
      ...pickPerson(hold),
      until: endOf(hold),
      reason: hold.reason,
    })),
    ...(go ? [{ kind: "go" as const, ...pickPerson(go), until: null, reason: null }] : []),
    ...(abort ? [{ kind: "abort" as const, ...pickPerson(abort), until: null, reason: abort.reason }] : []),
  ].toSorted((left, right) => left.at - right.at);
const pickPerson = ({ by, name, at }: z.infer<typeof Given>) => ({ by, name, at });

const endOf = ({ until, endedAt }: CanaryHold): number => Math.min(until, endedAt ?? until);

/** The hold that keeps the canary at its step now; undefined: none. */
export const findHold = ({ holds }: Pick<CanaryControl, "holds">, now: number): CanaryHold | undefined =>
  holds.findLast((hold) => hold.at <= now && now < endOf(hold));

/** When people held the canary, or will until a hold's end. */
export const listHeldSpans = ({ holds }: Pick<CanaryControl, "holds">): TimeSpan[] =>
  holds.map((hold) => ({ from: hold.at, to: endOf(hold) }));

export type CanaryOrder =
  | { readonly kind: "hold"; readonly until: number; readonly reason: string }
  | { readonly kind: "go"; readonly step: number }
  | { readonly kind: "abort"; readonly reason: string };

type Person = { readonly user: string; readonly name: string };

/**
 * The control after an order, or why the order is refused. An abort is final: nothing overrides it, and the first one
 * counts. A hold has an end, replaces the hold before it and takes back a "go"; a "go" ends the hold.
 */
export const applyOrder = (
  control: CanaryControl,
  order: CanaryOrder,
  { user, name }: Person,
  now: number,
): { readonly next: CanaryControl } | { readonly refused: string } => {
  const given = { by: user, name, at: now };
  if (control.closed)
    return {
      refused:
        "the version is being promoted, so its canary is over: `slipway rollback` puts the previous one back",
    };
  if (control.abort)
    return order.kind === "abort"
      ? { next: control }
      : { refused: `${control.abort.name} aborted this canary` };
  const ended = control.holds.map((hold) => (now < endOf(hold) ? { ...hold, endedAt: now } : hold));
  switch (order.kind) {
    case "abort":
      return { next: { ...control, abort: { ...given, reason: order.reason } } };
    case "go":
      if (control.go?.step === order.step && !findHold(control, now)) return { next: control };
      return { next: { ...control, holds: ended, go: { ...given, step: order.step } } };
    case "hold": {
      const { until, reason } = order;
      if (!(until > now)) return { refused: "a hold needs an end in the future" };
      if (until - now > holdLimits.longestMs)
        return { refused: `a hold lasts at most ${formatDuration(holdLimits.longestMs)}` };
      if (control.decided?.next === "promote")
        return { refused: "the last step has passed, and the version is being promoted: abort it instead" };
      if (control.decided?.next === "ask")
        return { refused: "the approvers are asked about this step: answer that question instead" };
      const held = sumCoveredTime(listHeldSpans({ holds: ended }), {
        from: Number.NEGATIVE_INFINITY,
        to: now,
      });
      const total = held + until - now;
      if (total > holdLimits.totalMs || ended.length >= holdLimits.count)
        return {
          refused: `all holds of a canary together last at most ${formatDuration(holdLimits.totalMs)}, and are at most ${holdLimits.count}`,
        };
      return {
        next: { ...control, go: null, holds: [...ended, { ...given, until, endedAt: null, reason }] },
      };
    }
    default:
      return order satisfies never;
  }
};
