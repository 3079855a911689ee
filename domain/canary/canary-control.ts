import * as z from "zod";
import { AnswerOrigin, pickOrigin } from "#domain/approval/answer-origin.ts";
import { formatDuration } from "./format-duration.ts";
import { sumCoveredTime, type TimeSpan } from "./sum-covered-time.ts";

const Given = z.object({
  /** Slack user id and name of who gave the order. */
  by: z.string(),
  name: z.string(),
  /** Epoch milliseconds, like all times here. */
  at: z.int(),
  ...AnswerOrigin.shape,
});
const Hold = Given.extend({
  until: z.int(),
  /** Set when something ended it before `until`: a person (`endedBy`), or a newer hold. */
  endedAt: z.int().nullable(),
  endedBy: Given.omit({ at: true }).optional(),
  reason: z.string(),
});
export type CanaryHold = z.infer<typeof Hold>;
const Go = Given.extend({ step: z.int().min(0) });

/** What people ordered about the canary of one delivery. One item, changed by conditional writes alone. */
export const CanaryControl = z.object({
  holds: z.array(Hold),
  /** The step whose question is to be asked now, instead of when the canary's time is over. A later hold takes it back. */
  go: Go.nullable(),
  /** Every "go", oldest first. */
  gos: z.array(Go).default([]),
  abort: Given.extend({ reason: z.string() }).nullable(),
  /** What the last round decided: orders that come later find the canary there. Null: it stays at its step. */
  decided: z.object({ next: z.enum(["shift", "promote", "ask"]), step: z.int().min(0) }).nullable(),
  /** The promotion has begun: nothing can be ordered any more. */
  closed: z.boolean(),
});
export type CanaryControl = z.infer<typeof CanaryControl>;

/** An order as the ledger keeps it. */
export const CanaryOrderRecord = Given.extend({
  kind: z.enum(["hold", "end-hold", "go", "abort"]),
  /** The end of a hold, as it was ordered. */
  until: z.int().nullable(),
  reason: z.string().nullable(),
});
export type CanaryOrderRecord = z.infer<typeof CanaryOrderRecord>;

export const emptyControl: CanaryControl = {
  holds: [],
  go: null,
  gos: [],
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

/** Every order as it was given, oldest first. */
export const listOrders = ({ holds, gos, abort }: CanaryControl): CanaryOrderRecord[] =>
  [
    ...holds.flatMap(({ by, name, at, until, reason, endedAt, endedBy, ...origin }) => [
      { kind: "hold" as const, by, name, at, ...pickOrigin(origin), until, reason },
      ...(endedAt !== null && endedBy
        ? [{ kind: "end-hold" as const, ...endedBy, at: endedAt, until: null, reason: null }]
        : []),
    ]),
    ...gos.map(({ step: _, ...go }) => ({ kind: "go" as const, ...go, until: null, reason: null })),
    ...(abort ? [{ kind: "abort" as const, ...abort, until: null }] : []),
  ].toSorted((left, right) => left.at - right.at);

const endOf = ({ until, endedAt }: CanaryHold): number => Math.min(until, endedAt ?? until);

/** The hold that keeps the canary at its step now; undefined: none. */
export const findHold = ({ holds }: Pick<CanaryControl, "holds">, now: number): CanaryHold | undefined =>
  holds.findLast((hold) => hold.at <= now && now < endOf(hold));

/** When people held the canary, or will until a hold's end. */
export const listHeldSpans = ({ holds }: Pick<CanaryControl, "holds">): TimeSpan[] =>
  holds.map((hold) => ({ from: hold.at, to: endOf(hold) }));

export type CanaryOrder =
  | { readonly kind: "hold"; readonly until: number; readonly reason: string }
  | { readonly kind: "end-hold" }
  | { readonly kind: "go"; readonly step: number }
  | { readonly kind: "abort"; readonly reason: string };

type Person = AnswerOrigin & { readonly user: string; readonly name: string };
type Applied = { readonly next: CanaryControl } | { readonly refused: string };

/**
 * The control after an order, or why the order is refused. An abort is final: nothing overrides it, and the first one
 * counts. A hold has an end, replaces the hold before it and takes back a "go". A canary that is held takes no "go": its
 * hold is ended first, so that nobody asks the approvers by mistake.
 */
export const applyOrder = (
  control: CanaryControl,
  order: CanaryOrder,
  person: Person,
  now: number,
): Applied => {
  const given = { by: person.user, name: person.name, at: now, ...pickOrigin(person) };
  if (control.closed)
    return {
      refused:
        "the version is being promoted, so its canary is over: `slipway rollback` puts the previous one back",
    };
  if (control.abort)
    return order.kind === "abort"
      ? { next: control }
      : { refused: `${control.abort.name} aborted this canary` };
  switch (order.kind) {
    case "abort":
      return { next: { ...control, abort: { ...given, reason: order.reason } } };
    case "end-hold":
      return endHold(control, person, now);
    case "go":
      return ask(control, { ...given, step: order.step });
    case "hold":
      return hold(control, { ...given, until: order.until, reason: order.reason });
    default:
      return order satisfies never;
  }
};

const endHold = (control: CanaryControl, { user, name, ...origin }: Person, now: number): Applied => {
  const current = findHold(control, now);
  // A retry.
  if (!current && control.holds.at(-1)?.endedBy?.by === user) return { next: control };
  if (!current) return { refused: "nobody holds this canary now: its hold has ended" };
  const ended = { ...current, endedAt: now, endedBy: { by: user, name, ...pickOrigin(origin) } };
  return { next: { ...control, holds: control.holds.map((each) => (each === current ? ended : each)) } };
};

const ask = (control: CanaryControl, go: z.infer<typeof Go>): Applied => {
  const { decided, gos } = control;
  const held = findHold(control, go.at);
  if (held) return { refused: `${held.name} holds this canary: end the hold first` };
  if (decided?.next === "ask") return { refused: "the approvers are asked about this step already" };
  if (decided && decided.step >= go.step)
    return { refused: "this step has just passed, so the canary goes on without a question" };
  return control.go?.step === go.step ? { next: control } : { next: { ...control, go, gos: [...gos, go] } };
};

const hold = (
  control: CanaryControl,
  { until, ...given }: z.infer<typeof Given> & { readonly until: number; readonly reason: string },
): Applied => {
  const now = given.at;
  if (!(until > now)) return { refused: "a hold needs an end in the future" };
  if (until - now > holdLimits.longestMs)
    return { refused: `a hold lasts at most ${formatDuration(holdLimits.longestMs)}` };
  if (control.decided?.next === "promote")
    return { refused: "the last step has passed, and the version is being promoted: abort it instead" };
  if (control.decided?.next === "ask")
    return { refused: "the approvers are asked about this step: answer that question instead" };
  const ended = control.holds.map((each) => (now < endOf(each) ? { ...each, endedAt: now } : each));
  const held = sumCoveredTime(listHeldSpans({ holds: ended }), { from: Number.NEGATIVE_INFINITY, to: now });
  if (held + until - now > holdLimits.totalMs || ended.length >= holdLimits.count)
    return {
      refused: `all holds of a canary together last at most ${formatDuration(holdLimits.totalMs)}, and are at most ${holdLimits.count}`,
    };
  return { next: { ...control, go: null, holds: [...ended, { ...given, until, endedAt: null }] } };
};
