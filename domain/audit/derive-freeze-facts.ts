import type { Freeze } from "#domain/changes/freezes.ts";
import { type AuditFact, hashJson } from "./audit-entry.ts";

const toTime = (milliseconds: number): string => new Date(milliseconds).toISOString();

const describeFreeze = ({ scope, until, reason, by, at }: Freeze): AuditFact => ({
  // Two people may freeze at the same millisecond.
  fact: `frozen ${scope} ${at} ${hashJson([until, reason, by.id]).slice(0, 16)}`,
  delivery: null,
  version: null,
  at: toTime(at),
  kind: "frozen",
  detail: { scope, user: by.id, name: by.name, until: toTime(until), reason },
});

const describeEnd = ({ scope, until, at, lifted }: Freeze): readonly AuditFact[] =>
  lifted
    ? [
        {
          ...{ fact: `unfrozen ${scope} ${at} ${lifted.at}`, delivery: null, version: null },
          ...{ at: toTime(lifted.at), kind: "unfrozen" },
          detail: {
            ...{ scope, user: lifted.by.id, name: lifted.by.name },
            ...{ frozenAt: toTime(at), until: toTime(until) },
          },
        },
      ]
    : [];

/** Each freeze once, as it ended, with the time at which it was over: by its own end, a person, or the next freeze. */
const findEnds = (history: readonly Freeze[]): readonly (readonly [Freeze, number])[] => {
  const freezes = [...new Map(history.map((freeze) => [describeFreeze(freeze).fact, freeze])).values()];
  return freezes.map((freeze, index) => {
    const { until, lifted, scope } = freeze;
    const next = freezes.slice(index + 1).find((other) => other.scope === scope);
    return [freeze, Math.min(until, lifted?.at ?? until, next?.at ?? until)] as const;
  });
};

/**
 * What a model's trail holds about freezes: each that was in force at some time since the trail began.
 * @param history of the model and of all models, each oldest first
 * @param since epoch milliseconds: when the trail began
 */
export const deriveFreezeFacts = (history: readonly Freeze[], since: number): readonly AuditFact[] =>
  findEnds(history)
    .filter(([, end]) => end > since)
    .flatMap(([freeze]) => [describeFreeze(freeze), ...describeEnd(freeze)])
    .toSorted((left, right) => left.at.localeCompare(right.at));
