import { durationToSeconds } from "#model-folder/manifest/manifest.ts";

/**
 * Which of two values of a rule is stricter. `scale` orders values by how much they allow; an absent value allows
 * everything. `subset`: fewer members are stricter. `superset`: more members are. `same`: values have no order, so any
 * change counts as looser.
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

/** A limit: lower is stricter. */
export const atMost = scale(Number);
/** A minimum: higher is stricter. */
export const atLeast = scale((value) => -Number(value));
export const atMostDuration = scale((value) => durationToSeconds(String(value)));
export const atLeastDuration = scale((value) => -durationToSeconds(String(value)));
export const permission = scale((value) => (value === true ? 1 : 0));
/** A permission that must be given: an absent value allows nothing. */
export const givenPermission: Strictness = { kind: "scale", allows: (value) => (value === true ? 1 : 0) };
/** @param order from the strictest to the loosest */
export const oneOf = (order: readonly string[]): Strictness =>
  scale((value) => {
    const index = order.indexOf(String(value));
    return index < 0 ? order.length : index;
  });
export const subset: Strictness = { kind: "subset" };
export const superset: Strictness = { kind: "superset" };
export const same: Strictness = { kind: "same" };

const members = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const lacks = (value: unknown, other: unknown): boolean =>
  members(other).some((member) => !members(value).includes(member));

/** Whether `value` allows anything that `other` does not. */
export const isLooser = (rule: Strictness, value: unknown, other: unknown): boolean => {
  switch (rule.kind) {
    case "scale":
      return rule.allows(value) > rule.allows(other);
    case "subset":
      return other !== undefined && (value === undefined || lacks(other, value));
    case "superset":
      return lacks(value, other);
    case "same":
      return JSON.stringify(value) !== JSON.stringify(other);
    default:
      return rule satisfies never;
  }
};

/** The value that allows only what both allow. */
export const pickStrictest = (rule: Strictness, first: unknown, second: unknown): unknown => {
  switch (rule.kind) {
    case "scale":
      return rule.allows(second) < rule.allows(first) ? second : first;
    case "subset":
      if (first === undefined) return second;
      return second === undefined
        ? first
        : members(first).filter((member) => members(second).includes(member));
    case "superset":
      if (first === undefined && second === undefined) return undefined;
      return [...new Set([...members(first), ...members(second)])];
    case "same":
      return first;
    default:
      return rule satisfies never;
  }
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Maps paths to values: `gates.accuracy.min` → `0.75`. A list is one value. */
export const flattenRules = (value: unknown, path = ""): ReadonlyMap<string, unknown> =>
  new Map(
    isRecord(value)
      ? Object.entries(value).flatMap(([key, child]) => [
          ...flattenRules(child, path === "" ? key : `${path}.${key}`),
        ])
      : value === undefined
        ? []
        : [[path, value]],
  );

const formatValue = (value: unknown) => (Array.isArray(value) ? `[${value.join(", ")}]` : String(value));

/** One line for each change: `gates.accuracy.min 0.75 → 0.6`. */
export type RuleChanges = { readonly loosened: readonly string[]; readonly tightened: readonly string[] };

/** A changed rule that `table` does not contain counts as loosened. */
export const compareRules = (
  table: ReadonlyMap<string, Strictness>,
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): RuleChanges => {
  const loosened: string[] = [];
  const tightened: string[] = [];
  for (const path of [...new Set([...before.keys(), ...after.keys()])].toSorted()) {
    const [oldValue, newValue] = [before.get(path), after.get(path)];
    if (JSON.stringify(oldValue) === JSON.stringify(newValue)) continue;
    const sentence =
      oldValue === undefined
        ? `${path} is new: ${formatValue(newValue)}`
        : newValue === undefined
          ? `${path} was removed (it was ${formatValue(oldValue)})`
          : `${path} ${formatValue(oldValue)} → ${formatValue(newValue)}`;
    (isLooser(table.get(path) ?? same, newValue, oldValue) ? loosened : tightened).push(sentence);
  }
  return { loosened, tightened };
};
