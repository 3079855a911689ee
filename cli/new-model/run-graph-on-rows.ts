import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { explainRunFailure } from "./explain-run-failure.ts";
import type { InferredInput } from "./infer-input.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import { type Probe, probeModel, type Tokenizer } from "./probe-model.ts";
import type { CsvTable } from "./read-csv-table.ts";
import { readRowCells } from "./read-row-cells.ts";
import { type RowDraw, selectUsableRows, type UsableRows } from "./select-usable-rows.ts";

/** A run of the graph: its inputs (required or not), its rows and its outputs. */
export type GraphRun = {
  readonly inputs: readonly InferredInput[];
  readonly usable: UsableRows;
  readonly probe: Probe;
  /** Columns whose missing values the graph does not accept. */
  readonly notes: readonly string[];
};

type Needs = {
  readonly onnx: Uint8Array;
  readonly tokenizer: Tokenizer | undefined;
  readonly table: CsvTable;
  readonly targets: readonly string[];
  readonly isMissingTarget: (text: string) => boolean;
  readonly draw: RowDraw;
  /** Whether outputs of more than two dimensions matter too. */
  readonly wide: boolean;
};

const requireInputs = (
  inputs: readonly InferredInput[],
  names: ReadonlySet<string>,
): readonly InferredInput[] =>
  inputs.map((inferred) =>
    names.has(inferred.input.name) ? { ...inferred, input: { ...inferred.input, required: true } } : inferred,
  );

/** For each row whether all its outputs are finite. */
const finiteRows = ({ outputs }: Probe, rows: number): boolean[] =>
  Array.from({ length: rows }, (_, row) =>
    outputs.every((output) => readRowCells(output, row, rows).every((cell) => cell !== null)),
  );

/** Optional inputs for which every row with a missing value has an output that is not finite. */
const findInputsWithoutGaps = (
  inputs: readonly InferredInput[],
  { rows }: UsableRows,
  finite: readonly boolean[],
): Set<string> =>
  new Set(
    inputs
      .map(({ input }) => input)
      .filter(({ required, name }) => {
        const gaps = rows.flatMap((row, at) => (getOwnProperty(row, name) === null ? [finite[at]] : []));
        return !required && gaps.length > 0 && !gaps.includes(true);
      })
      .map(({ name }) => name),
  );

/**
 * Runs the graph on rows of the table. If it does not accept missing values in an input, the input becomes required, and
 * the run is repeated without such rows. Throws NewModelRefused where it does not run, or returns no finite numbers.
 */
export const runGraphOnRows = async (
  { onnx, tokenizer, table, targets, isMissingTarget, draw, wide }: Needs,
  inferred: readonly InferredInput[],
): Promise<GraphRun> => {
  const attempt = async (inputs: readonly InferredInput[]) => {
    const usable = selectUsableRows(table, inputs, { targets, isMissing: isMissingTarget }, draw);
    const probe = await probeModel(
      { onnx, tokenizer, wide },
      inputs.map(({ input }) => input),
      usable.rows,
    );
    return { inputs, usable, probe };
  };
  const optional = new Set(inferred.filter(({ input }) => !input.required).map(({ input }) => input.name));
  let run = await attempt(inferred);
  let strict = new Set<string>();
  if (run.probe.status === "failed") strict = optional;
  else strict = findInputsWithoutGaps(inferred, run.usable, finiteRows(run.probe, run.usable.rows.length));
  if (strict.size > 0) run = await attempt(requireInputs(inferred, strict));
  const { probe, inputs, usable } = run;
  if (probe.status === "failed") throw explainRunFailure(probe.message);
  const failedRows = finiteRows(probe, usable.rows.length).filter((finite) => !finite).length;
  if (failedRows > 0)
    throw new NewModelRefused(
      `the model returns NaN or infinity for ${failedRows} of ${usable.rows.length} complete rows`,
      "Find the cause in Python with ONNX Runtime on these rows, and export again.",
    );
  return {
    inputs,
    usable,
    probe,
    notes:
      strict.size > 0
        ? [`Skipped rows with missing values in ${[...strict].join(", ")}: the model does not accept them.`]
        : [],
  };
};
