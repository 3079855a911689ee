import { getOwnProperty } from "#untrusted/get-own-property.ts";
import type { InferredInput } from "./infer-input.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import { type Probe, probeModel, type Tokenizer } from "./probe-model.ts";
import type { CsvTable } from "./read-csv-table.ts";
import { type SampleOptions, selectUsableRows, type UsableRows } from "./select-usable-rows.ts";

/** What the graph gave, for which rows, with which of the inputs it takes a gap in. */
export type GraphRun = {
  readonly inputs: readonly InferredInput[];
  readonly usable: UsableRows;
  readonly probe: Probe;
  /** Columns with gaps that the graph does not take, in words. */
  readonly notes: readonly string[];
};

type Needs = {
  readonly onnx: Uint8Array;
  readonly tokenizer: Tokenizer | undefined;
  readonly table: CsvTable;
  readonly targets: readonly string[];
  readonly draw: SampleOptions;
};

const requireInputs = (
  inputs: readonly InferredInput[],
  names: ReadonlySet<string>,
): readonly InferredInput[] =>
  inputs.map((each) =>
    names.has(each.input.name) ? { ...each, input: { ...each.input, required: true } } : each,
  );

/** For each row whether all that the graph gave for it are numbers. */
const finiteRows = ({ outputs }: Probe, rows: number): boolean[] =>
  Array.from({ length: rows }, (_, row) =>
    outputs.every(({ data }) => {
      const width = data.length / rows;
      return data.slice(row * width, (row + 1) * width).every((cell) => cell !== null);
    }),
  );

/** Optional inputs of which no row with a gap was answered. */
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
 * Runs the graph on rows of the table. An input whose gaps it does not take becomes required, and the rows with such
 * gaps are left out. Throws NewModelRefused where it does not run, or gives no numbers.
 */
export const runGraphOnRows = async (
  { onnx, tokenizer, table, targets, draw }: Needs,
  inferred: readonly InferredInput[],
): Promise<GraphRun> => {
  const attempt = async (inputs: readonly InferredInput[]) => {
    const usable = selectUsableRows(table, inputs, targets, draw);
    const probe = await probeModel(
      { onnx, tokenizer },
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
  if (probe.status === "failed")
    throw new NewModelRefused(
      `the model does not run on the CSV's rows: ${probe.message}`,
      "Run it in Python with onnxruntime on these rows, and export again.",
    );
  const unanswered = finiteRows(probe, usable.rows.length).filter((finite) => !finite).length;
  if (unanswered > 0)
    throw new NewModelRefused(
      `the model answers ${unanswered} of ${usable.rows.length} complete rows with no number`,
      "Run it in Python with onnxruntime on these rows, and export again.",
    );
  return {
    inputs,
    usable,
    probe,
    notes:
      strict.size > 0
        ? [`The model does not take gaps in ${[...strict].join(", ")}: rows with one were left out.`]
        : [],
  };
};
