import type { Manifest } from "../../inference/manifest/manifest.ts";

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Every rule under its path, as text: `gates.accuracy.min` → `0.75`; a list is one rule. */
const flatten = (value: unknown, path: string): readonly (readonly [string, string])[] => {
  if (isRecord(value))
    return Object.entries(value).flatMap(([key, below]) => flatten(below, `${path}.${key}`));
  return value === undefined ? [] : [[path, Array.isArray(value) ? `[${value.join(", ")}]` : String(value)]];
};

const rules = ({ gates, approval, canary }: Manifest) =>
  new Map([...flatten(gates, "gates"), ...flatten(approval, "approval"), ...flatten(canary, "canary")]);

/**
 * What the challenger's manifest says otherwise than the champion's about gates, approval and canary, such as
 * `gates.accuracy.min 0.75 → 0.6`; nothing without a champion.
 */
export const changedRules = ({
  champion,
  challenger,
}: {
  readonly champion?: Manifest | undefined;
  readonly challenger: Manifest;
}): readonly string[] => {
  if (!champion) return [];
  const before = rules(champion);
  const after = rules(challenger);
  return [...new Set([...before.keys(), ...after.keys()])].toSorted().flatMap((path) => {
    const was = before.get(path);
    const is = after.get(path);
    if (was === is) return [];
    if (was === undefined) return [`${path} is new: ${is}`];
    return [is === undefined ? `${path} was removed (it was ${was})` : `${path} ${was} → ${is}`];
  });
};
