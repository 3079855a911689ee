import { createHash } from "node:crypto";
import type { Row } from "#model-folder/manifest/manifest.ts";
import { isMissing, parseCell } from "./csv-cells.ts";
import type { InferredInput } from "./infer-input.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import type { CsvTable } from "./read-csv-table.ts";

/** Rows of the table that the model can be measured on. */
export type UsableRows = {
  readonly rows: readonly Row[];
  /** The cells of each target column for these rows. */
  readonly truth: ReadonlyMap<string, readonly string[]>;
  /** How many rows of the table could not be used: a truth or a required input is missing. */
  readonly leftOut: number;
};

export type SampleOptions = { readonly seed: string; readonly most: number };

/** The same rows for the same seed, spread over the whole table, in its order. */
const sampleRows = (rows: readonly number[], { seed, most }: SampleOptions): readonly number[] => {
  if (rows.length <= most) return rows;
  const rank = new Map(
    rows.map((row) => [row, createHash("sha256").update(`${seed}:${row}`).digest("hex")] as const),
  );
  const chosen = rows.toSorted((one, other) => ((rank.get(one) ?? "") < (rank.get(other) ?? "") ? -1 : 1));
  return chosen.slice(0, most).toSorted((one, other) => one - other);
};

/** At most so many rows, drawn by the seed, in which the targets and all required inputs are there. */
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
  const whole = Array.from({ length: rows }, (_, row) => row).filter((row) =>
    needed.every(({ cells, textual }) => !isMissing(cells[row] ?? "", textual)),
  );
  if (whole.length === 0)
    throw new NewModelRefused(
      "no row has a value for the target and for each input that the model needs",
      "Fill the gaps, or export a model that takes them.",
    );
  const chosen = sampleRows(whole, draw);
  return {
    rows: chosen.map((row) =>
      Object.fromEntries(
        inputs.map(({ match, input }) => [input.name, parseCell(cells(match.column)[row] ?? "", input)]),
      ),
    ),
    truth: new Map(targets.map((target) => [target, chosen.map((row) => cells(target)[row] ?? "")])),
    leftOut: rows - whole.length,
  };
};
