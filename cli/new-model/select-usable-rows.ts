import type { Row } from "#model-folder/manifest/manifest.ts";
import { isMissing, parseCell } from "./csv-cells.ts";
import type { InferredInput } from "./infer-input.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import type { CsvTable } from "./read-csv-table.ts";
import { sampleGroups } from "./sample-groups.ts";
import { type SampledLabel, type SampleOptions, sampleRows } from "./sample-rows.ts";

/** The rows that have a target and all required inputs. */
export type UsableRows = {
  readonly rows: readonly Row[];
  /** Their places in the table, from 0. */
  readonly numbers: readonly number[];
  /** The targets' cells for these rows. */
  readonly truth: ReadonlyMap<string, readonly string[]>;
  /** The number of rows without a target or a required input. */
  readonly skippedRows: number;
  /** Labels of which the sample has a larger share than the table; empty without a sample. */
  readonly raisedLabels: readonly SampledLabel[];
};

export type RowDraw = SampleOptions & {
  /** Whether the sample keeps rare labels of the first target. */
  readonly stratify: boolean;
  /** A column whose equal cells belong together: all of their rows, or none. It decides before `stratify`. */
  readonly group?: string | undefined;
};

/** Selects at most `draw.most` rows that have all targets and required inputs. */
export const selectUsableRows = (
  { columns, rows }: CsvTable,
  inputs: readonly InferredInput[],
  {
    targets,
    isMissing: isMissingTarget,
  }: {
    readonly targets: readonly string[];
    readonly isMissing: (text: string) => boolean;
  },
  draw: RowDraw,
): UsableRows => {
  const cells = (column: string): readonly string[] => columns.get(column) ?? [];
  const needed = [
    ...targets.map((column) => ({ cells: cells(column), isGap: isMissingTarget })),
    ...inputs
      .filter(({ input }) => input.required)
      .map(({ match }) => ({
        cells: cells(match.column),
        isGap: (text: string) => isMissing(text, match.element === "string"),
      })),
  ];
  const usable = Array.from({ length: rows }, (_, row) => row).filter((row) =>
    needed.every(({ cells, isGap }) => !isGap(cells[row] ?? "")),
  );
  if (usable.length === 0)
    throw new NewModelRefused(
      "no row has a target and all inputs that the model requires",
      "Fill in missing values, or export a model that accepts them.",
    );
  const [target = ""] = targets;
  const { chosen, raisedLabels } =
    draw.group === undefined
      ? sampleRows({ columns, rows: usable, ...(draw.stratify ? { strata: cells(target) } : {}) }, draw)
      : { chosen: sampleGroups(usable, cells(draw.group), draw), raisedLabels: [] };
  return {
    rows: chosen.map((row) =>
      Object.fromEntries(
        inputs.map(({ match, input }) => [input.name, parseCell(cells(match.column)[row] ?? "", input)]),
      ),
    ),
    numbers: chosen,
    truth: new Map(targets.map((target) => [target, chosen.map((row) => cells(target)[row] ?? "")])),
    skippedRows: rows - usable.length,
    raisedLabels,
  };
};
