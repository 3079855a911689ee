import { createHash } from "node:crypto";
import type { Row } from "#model-folder/manifest/manifest.ts";
import { isMissing, parseCell } from "./csv-cells.ts";
import type { InferredInput } from "./infer-input.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import type { CsvTable } from "./read-csv-table.ts";

/** The rows that have a target and all required inputs. */
export type UsableRows = {
  readonly rows: readonly Row[];
  /** Their places in the table, from 0. */
  readonly numbers: readonly number[];
  /** The targets' cells for these rows. */
  readonly truth: ReadonlyMap<string, readonly string[]>;
  /** The number of rows without a target or a required input. */
  readonly skippedRows: number;
};

export type SampleOptions = {
  readonly seed: string;
  readonly most: number;
  /** A column whose equal cells belong together: all of their rows, or none. */
  readonly group?: string | undefined;
};

const rankByHash = (seed: string, key: string | number): string =>
  createHash("sha256").update(`${seed}:${key}`).digest("hex");

/** Whole groups, in the table's order; at least one. */
const sampleGroups = (
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

/** A sample over the whole table, in its order; an equal seed gives equal rows. */
const sampleRows = (rows: readonly number[], { seed, most }: SampleOptions): readonly number[] => {
  if (rows.length <= most) return rows;
  const rank = new Map(rows.map((row) => [row, rankByHash(seed, row)] as const));
  const shuffled = rows.toSorted((a, b) => ((rank.get(a) ?? "") < (rank.get(b) ?? "") ? -1 : 1));
  return shuffled.slice(0, most).toSorted((a, b) => a - b);
};

/** Selects at most `draw.most` rows that have all targets and required inputs. */
export const selectUsableRows = (
  { columns, rows }: CsvTable,
  inputs: readonly InferredInput[],
  targets: readonly string[],
  draw: SampleOptions,
): UsableRows => {
  const cells = (column: string): readonly string[] => columns.get(column) ?? [];
  const needed = [
    ...targets.map((column) => ({ cells: cells(column), textual: false })),
    ...inputs
      .filter(({ input }) => input.required)
      .map(({ match }) => ({ cells: cells(match.column), textual: match.element === "string" })),
  ];
  const usable = Array.from({ length: rows }, (_, row) => row).filter((row) =>
    needed.every(({ cells, textual }) => !isMissing(cells[row] ?? "", textual)),
  );
  if (usable.length === 0)
    throw new NewModelRefused(
      "no row has a target and all inputs that the model requires",
      "Fill in missing values, or export a model that accepts them.",
    );
  const chosen =
    draw.group === undefined ? sampleRows(usable, draw) : sampleGroups(usable, cells(draw.group), draw);
  return {
    rows: chosen.map((row) =>
      Object.fromEntries(
        inputs.map(({ match, input }) => [input.name, parseCell(cells(match.column)[row] ?? "", input)]),
      ),
    ),
    numbers: chosen,
    truth: new Map(targets.map((target) => [target, chosen.map((row) => cells(target)[row] ?? "")])),
    skippedRows: rows - usable.length,
  };
};
