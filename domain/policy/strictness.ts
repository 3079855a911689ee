import { durationToSeconds } from "#model-folder/manifest/manifest.ts";

/**
 * Which of two values of one rule is the stricter. A `scale` orders all values by how much they allow; a rule that is
 * not set allows everything. `subset`: fewer members are stricter; `superset`: more are. `same`: any other value counts
 * as looser, because nobody can say which of the two is.
 */
export type Strictness =
  | { readonly kind: "scale"; readonly allows: (value: unknown) => number }
  | { readonly kind: "subset" }
  | { readonly kind: "superset" }
  | { readonly kind: "same" };

const scale = (allows: (value: unknown) => number): Strictness => ({
  kind: "scale",
  allows: (value) => (value === undefined ? Number.POSITIVE_INFINITY : allows(value)),
});

/** A limit: the less the stricter. */
export const atMost = scale(Number);
/** A minimum: the more the stricter. */
export const atLeast = scale((value) => -Number(value));
export const atMostDuration = scale((value) => durationToSeconds(String(value)));
export const atLeastDuration = scale((value) => -durationToSeconds(String(value)));
/** A permission: `true` allows. */
export const permission = scale((value) => (value === true ? 1 : 0));
/** One of a list that goes from the strictest to the loosest. */
export const oneOf = (order: readonly string[]): Strictness =>
  scale((value) => {
    const at = order.indexOf(String(value));
    return at < 0 ? order.length : at;
  });
export const subset: Strictness = { kind: "subset" };
export const superset: Strictness = { kind: "superset" };
export const same: Strictness = { kind: "same" };

const members = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const lacks = (value: unknown, other: unknown): boolean =>
  members(other).some((member) => !members(value).includes(member));

/** Whether `value` allows anything that `than` does not. */
export const isLooser = (rule: Strictness, value: unknown, than: unknown): boolean => {
  switch (rule.kind) {
    case "scale":
      return rule.allows(value) > rule.allows(than);
    case "subset":
      return than !== undefined && (value === undefined || lacks(than, value));
    case "superset":
      return lacks(value, than);
    case "same":
      return JSON.stringify(value) !== JSON.stringify(than);
    default:
      return rule satisfies never;
  }
};

/** The value that allows only what both allow; of two equal ones the first. */
export const pickStrictest = (rule: Strictness, one: unknown, other: unknown): unknown => {
  switch (rule.kind) {
    case "scale":
      return rule.allows(other) < rule.allows(one) ? other : one;
    case "subset":
      if (one === undefined) return other;
      return other === undefined ? one : members(one).filter((member) => members(other).includes(member));
    case "superset":
      return [...new Set([...members(one), ...members(other)])];
    case "same":
      return one;
    default:
      return rule satisfies never;
  }
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Every rule of a document under its path: `gates.accuracy.min` → `0.75`; a list is one rule, an absent one none. */
export const flattenRules = (value: unknown, path = ""): ReadonlyMap<string, unknown> =>
  new Map(
    isRecord(value)
      ? Object.entries(value).flatMap(([key, below]) => [
          ...flattenRules(below, path === "" ? key : `${path}.${key}`),
        ])
      : value === undefined
        ? []
        : [[path, value]],
  );

const formatValue = (value: unknown) => (Array.isArray(value) ? `[${value.join(", ")}]` : String(value));

/** What changed between two sets of rules, a sentence each: `gates.accuracy.min 0.75 → 0.6`. */
export type RuleChanges = { readonly loosened: readonly string[]; readonly tightened: readonly string[] };

/** Compares two sets of rules; a rule that `table` does not know counts as loosened, whichever way it went. */
export const compareRules = (
  table: ReadonlyMap<string, Strictness>,
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): RuleChanges => {
  const loosened: string[] = [];
  const tightened: string[] = [];
  for (const path of [...new Set([...before.keys(), ...after.keys()])].toSorted()) {
    const [was, is] = [before.get(path), after.get(path)];
    if (JSON.stringify(was) === JSON.stringify(is)) continue;
    const sentence =
      was === undefined
        ? `${path} is new: ${formatValue(is)}`
        : is === undefined
          ? `${path} was removed (it was ${formatValue(was)})`
          : `${path} ${formatValue(was)} → ${formatValue(is)}`;
    (isLooser(table.get(path) ?? same, is, was) ? loosened : tightened).push(sentence);
  }
  return { loosened, tightened };
};
