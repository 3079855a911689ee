import { createHash } from "node:crypto";
import type { SampleOptions } from "./sample-rows.ts";

const rankByHash = (seed: string, group: string): string =>
  createHash("sha256").update(`${seed}:${group}`).digest("hex");

/** A sample of whole groups, in the table's order; at least one group. An equal seed gives equal rows. */
export const sampleGroups = (
  rows: readonly number[],
  cells: readonly string[],
  { seed, most }: SampleOptions,
): readonly number[] => {
  if (rows.length <= most) return rows;
  const groups = [...Map.groupBy(rows, (row) => cells[row] ?? "")]
    .map(([group, members]) => ({ members, rank: rankByHash(seed, group) }))
    .toSorted((one, other) => (one.rank < other.rank ? -1 : 1));
  const chosen: number[] = [];
  for (const { members } of groups)
    if (chosen.length === 0 || chosen.length + members.length <= most) chosen.push(...members);
  return chosen.toSorted((a, b) => a - b);
};
