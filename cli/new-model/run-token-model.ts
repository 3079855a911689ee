import type { Prediction, Row } from "#model-folder/manifest/manifest.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { inferEntityLabels, numberLabels } from "./infer-entity-labels.ts";
import type { InferredTokenLabels } from "./infer-token-output.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import { predictRows } from "./predict-rows.ts";
import type { UsableRows } from "./select-usable-rows.ts";
import type { InferredTask } from "./task-evidence.ts";

type Needs = {
  readonly inferred: InferredTokenLabels | (InferredTask & { readonly task: "embedding" });
  readonly usable: UsableRows;
  /** The name of the input with the text. */
  readonly text: string;
  /** `--labels` */
  readonly labels: readonly string[] | undefined;
  /** The folder's files for this output, without golden rows and holdout. */
  readonly writeFiles: (output: InferredTask) => ReadonlyMap<string, Uint8Array>;
};
type TokenModel = {
  readonly output: InferredTask;
  /** Without the rows that the model refuses. */
  readonly usable: UsableRows;
  readonly predictions: readonly Prediction[];
  readonly notes: readonly string[];
};

const keepRows = (
  { rows, numbers, truth, ...counts }: UsableRows,
  keep: (row: number) => boolean,
): UsableRows => {
  const select = <T>(values: readonly T[]): readonly T[] => values.filter((_, row) => keep(row));
  return {
    rows: select(rows),
    numbers: select(numbers),
    truth: new Map([...truth].map(([target, cells]) => [target, select(cells)])),
    ...counts,
  };
};

/** Predicts the rows that the model accepts. A run reports at most 100 refused rows, so there can be several runs. */
const predictUsable = async (
  files: ReadonlyMap<string, Uint8Array>,
  usable: UsableRows,
): Promise<{
  readonly usable: UsableRows;
  readonly predictions: readonly Prediction[];
  readonly refused: string | undefined;
}> => {
  let left = usable;
  let refused: string | undefined;
  for (;;) {
    const result = await predictRows(files, left.rows);
    if (result.status === "predicted") return { usable: left, predictions: result.predictions, refused };
    if (result.status === "failed")
      throw new NewModelRefused(
        `the model does not run on the CSV's rows: ${result.message}`,
        "Find the cause in Python with onnxruntime on these rows, and export again.",
      );
    const { problems } = result;
    const rows = new Set(problems.map(({ row }) => row));
    refused ??= problems[0]?.detail;
    left = keepRows(left, (row) => !rows.has(row));
    if (rows.has(undefined) || left.rows.length === 0)
      throw new NewModelRefused(
        `the model refuses the CSV's rows: ${problems[0]?.detail ?? "no row is left"}`,
        "Correct them, or take more tokens with --max-tokens, up to what the model was trained with.",
      );
  }
};

const readText = (rows: readonly Row[], name: string): readonly string[] =>
  rows.map((row) => String(getOwnProperty(row, name) ?? ""));

/**
 * Runs a model of entities or embeddings as it will be served. Labels without names are numbered in a first run. Throws
 * NewModelRefused.
 */
export const runTokenModel = async ({
  inferred,
  usable,
  text,
  labels,
  writeFiles,
}: Needs): Promise<TokenModel> => {
  const describe = (before: number, after: number, refused: string | undefined): readonly string[] =>
    after < before ? [`Skipped ${before - after} rows that the model refuses: ${refused}.`] : [];
  if (inferred.task === "embedding") {
    const run = await predictUsable(writeFiles(inferred), usable);
    return {
      ...run,
      output: inferred,
      notes: describe(usable.rows.length, run.usable.rows.length, run.refused),
    };
  }
  const { width, task, ...rest } = inferred;
  const numbered = await predictUsable(
    writeFiles({ task, output: { ...rest, ...numberLabels(width) }, truth: [], guesses: [] }),
    usable,
  );
  const [cells = []] = numbered.usable.truth.values();
  const output = inferEntityLabels(
    inferred,
    { texts: readText(numbered.usable.rows, text), cells, predictions: numbered.predictions },
    labels,
  );
  const { predictions } = await predictUsable(writeFiles(output), numbered.usable);
  return {
    output,
    usable: numbered.usable,
    predictions,
    notes: describe(usable.rows.length, numbered.usable.rows.length, numbered.refused),
  };
};
