import { createHash } from "node:crypto";
import { leastLabelRows } from "#model-folder/rows/find-thin-labels.ts";
import type { CsvTable } from "./read-csv-table.ts";

export type SampleOptions = { readonly seed: string; readonly most: number };
/** A label's rows in the table and in the sample. */
export type SampledLabel = { readonly label: string; readonly rows: number; readonly sampled: number };

type SampleSource = Pick<CsvTable, "columns"> & {
  /** Rows that may be chosen. */
  readonly rows: readonly number[];
  /** The label of each row of the table; absent: one stratum. */
  readonly strata?: readonly string[];
};

/**
 * A hash of each row's cells, whatever their order in the table. Equal rows are counted, so that a table of few different
 * rows is not sampled by whole groups.
 */
const rankRows = ({ columns, rows }: SampleSource, seed: string): ReadonlyMap<number, string> => {
  const names = [...columns.keys()].toSorted();
  const repeats = new Map<string, number>();
  return new Map(
    rows.map((row) => {
      const content = JSON.stringify(names.map((name) => [name, columns.get(name)?.[row] ?? ""]));
      const key = createHash("sha256").update(content).digest("base64");
      const repeat = repeats.get(key) ?? 0;
      repeats.set(key, repeat + 1);
      return [row, createHash("sha256").update(`${seed}:${repeat}:${key}`).digest("hex")];
    }),
  );
};

/**
 * How many rows of each label to keep: 30 of each (all of a rarer one; fewer where that would fill half of the sample), and
 * the rest in the table's shares.
 */
const allotRows = (counts: readonly number[], most: number): readonly number[] => {
  const floor = Math.max(1, Math.min(leastLabelRows, Math.floor(most / 2 / counts.length)));
  const least = counts.map((count) => Math.min(count, floor));
  const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
  const ideal = counts.map((count) => (count * most) / total(counts));
  // Labels whose share of the sample is below the floor get the floor; the others divide what is left.
  const isRaised = ideal.map((share, at) => share < (least[at] ?? 0));
  const left = most - total(least.filter((_, at) => isRaised[at]));
  const others = total(counts.filter((_, at) => !isRaised[at]));
  const exact = counts.map((count, at) =>
    isRaised[at] ? (least[at] ?? 0) : Math.max(least[at] ?? 0, (count * left) / others),
  );
  const allotted = exact.map(Math.floor);
  const byRemainder = exact
    .map((value, at) => ({ at, remainder: value - Math.floor(value) }))
    .toSorted((one, other) => other.remainder - one.remainder);
  for (const { at } of byRemainder) {
    if (total(allotted) >= most) break;
    if ((allotted[at] ?? 0) < (counts[at] ?? 0)) allotted[at] = (allotted[at] ?? 0) + 1;
  }
  return allotted;
};

/**
 * A sample of the rows, in the table's order. Chosen by a hash of their content, so that a row stays in the sample when
 * others move; by label, so that a rare label keeps its rows.
 */
export const sampleRows = (
  source: SampleSource,
  { seed, most }: SampleOptions,
): { readonly chosen: readonly number[]; readonly raisedLabels: readonly SampledLabel[] } => {
  const { rows, strata } = source;
  if (rows.length <= most) return { chosen: rows, raisedLabels: [] };
  const ranks = rankRows(source, seed);
  const groups = [...Map.groupBy(rows, (row) => strata?.[row] ?? "")];
  const counts = allotRows(
    groups.map(([, members]) => members.length),
    most,
  );
  const chosen = groups.flatMap(([, members], at) =>
    members
      .toSorted((one, other) => ((ranks.get(one) ?? "") < (ranks.get(other) ?? "") ? -1 : 1))
      .slice(0, counts[at]),
  );
  return {
    chosen: chosen.toSorted((one, other) => one - other),
    raisedLabels: groups.flatMap(([label, members], at) => {
      const sampled = counts[at] ?? 0;
      return sampled > Math.ceil((members.length * most) / rows.length)
        ? [{ label, rows: members.length, sampled }]
        : [];
    }),
  };
};
