import { UsageMistake } from "#cli/errors.ts";
import { isTokenInput } from "#inference/text/bind-tokens.ts";
import type { OnnxSummary } from "#model-folder/onnx/inspect-onnx.ts";
import { isMissing, isNumber } from "./csv-cells.ts";
import { holdsArrays, inferArrayInput } from "./infer-array-input.ts";
import { type InferredInput, inferInput, inferText } from "./infer-input.ts";
import { limitToTables } from "./limit-to-tables.ts";
import { matchArrayColumns } from "./match-array-columns.ts";
import { type ColumnMatch, matchColumns, matchTextColumns } from "./match-columns.ts";
import type { ModelSource } from "./model-source.ts";
import type { TokenizerRules } from "./probe-model.ts";
import type { CsvTable } from "./read-csv-table.ts";

const listFeatureColumns = (
  { targets, ignored, csvName, predicted, options }: ModelSource,
  table: CsvTable,
): readonly string[] => {
  const group = options?.group === undefined ? [] : [options.group];
  for (const name of [...targets, ...group, ...ignored])
    if (!table.columns.has(name))
      throw new UsageMistake(
        `${csvName} has no column ${name} (it has ${[...table.columns.keys()].slice(0, 20).join(", ")}).`,
      );
  const others = new Set([...targets, ...group, ...ignored, predicted?.name]);
  return [...table.columns.keys()].filter((name) => !others.has(name));
};

/**
 * The model's inputs by the graph and the table's columns. Throws UsageMistake for an unknown column, NewModelRefused where
 * graph and columns do not fit.
 */
export const inferInputs = (
  source: ModelSource,
  graph: OnnxSummary,
  table: CsvTable,
): {
  readonly guesses: readonly string[];
  readonly inputs: readonly InferredInput[];
  readonly byPosition: boolean;
  /** Which of them the tokenizer takes. */
  readonly texts: Pick<TokenizerRules, "text" | "pair">;
} => {
  const columns = listFeatureColumns(source, table);
  const cells = (column: string): readonly string[] => table.columns.get(column) ?? [];
  const isText = (column: string): boolean =>
    cells(column).some((text) => !isMissing(text, false) && !isNumber(text));
  const infer = (match: ColumnMatch): InferredInput => inferInput(match, cells(match.column));
  if (source.tokenizer) {
    const others = graph.inputs.filter((value) => !isTokenInput(value));
    const { texts, matches, guesses, byPosition } = matchTextColumns(others, columns, isText);
    const inputs = [
      ...texts.map((match) => inferText(match, cells(match.column))),
      ...limitToTables({ ...graph, inputs: others }, matches.map(infer)),
    ];
    const [first = "", second] = texts.map(({ name }) => name);
    const isAmbiguous =
      inputs.filter(({ input }) => input.type === "string" && input.format === undefined).length > 1;
    return {
      guesses,
      inputs,
      byPosition,
      texts: second !== undefined ? { pair: [first, second] } : isAmbiguous ? { text: first } : {},
    };
  }
  const arrays = matchArrayColumns(graph.inputs, columns, (column) => holdsArrays(cells(column)));
  const arrayInputs = arrays.matches.map(({ value, column }) =>
    inferArrayInput(value, column, cells(column), source.image),
  );
  if (source.image && !arrayInputs.some(({ input }) => input.type === "image"))
    throw new UsageMistake(
      `--image is about a column of images, and ${source.csvName} has none: it takes paths to JPEG or PNG files, relative to the table.`,
    );
  if (arrays.matches.length > 0 && arrays.inputs.length === 0 && arrays.columns.length === 0)
    return { guesses: [], inputs: arrayInputs, byPosition: false, texts: {} };
  const { matches, ...matched } = matchColumns(arrays.inputs, arrays.columns, isText);
  const inputs = [...arrayInputs, ...matches.map(infer)];
  return { ...matched, inputs: limitToTables(graph, inputs), texts: {} };
};
