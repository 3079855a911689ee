import type { LoadedModel } from "#inference/model/load-model.ts";
import type { FolderProblem } from "#model-folder/manifest/folder-problem.ts";
import type { Golden } from "#model-folder/manifest/manifest.ts";
import type { UnstableOperators } from "#model-folder/onnx/find-unstable-operators.ts";
import { findGoldenDifferences, type GoldenRowComparison } from "#model-folder/rows/compare-golden.ts";

type Needs = {
  readonly model: Pick<LoadedModel, "predict">;
  readonly file: string;
  readonly golden: Golden;
  readonly operators: UnstableOperators;
  /** An input whose first dimension is fixed and a later one open. */
  readonly sequenceInput?: string | undefined;
  /** Milliseconds that a run of one golden row takes. */
  readonly rowMs: number;
};

const mostRows = 100;
const mostSingleRows = 20;
/** Time for all runs here; a slower model is tried on fewer rows. */
const budgetMs = 5_000;

const formatList = (names: readonly string[]): string =>
  names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : (names[0] ?? "");

const formatDifference = (comparison: GoldenRowComparison, other: string): string => {
  if (comparison.status === "incomparable") return `golden row ${comparison.row} ${comparison.reason}`;
  const { name, expected, actual } = comparison.largest;
  return `${name} of golden row ${comparison.row} is ${expected}, and ${actual} ${other}`;
};

/**
 * Compares the model with itself on golden rows: two runs on the same rows, and each row alone with all rows together.
 * Callers get other answers than their own rows deserve where these differ by more than golden.json's tolerance.
 */
export const findUnstableAnswers = async ({
  model,
  file,
  golden,
  operators,
  sequenceInput,
  rowMs,
}: Needs): Promise<FolderProblem[]> => {
  const count = Math.min(mostRows, golden.rows.length, Math.floor(budgetMs / 3 / Math.max(rowMs, 0.01)));
  if (count < 1) return [];
  const rows = golden.rows.slice(0, count);
  const { tolerance } = golden;
  const first = await model.predict(rows);
  const [repeated] = findGoldenDifferences(
    { tolerance, rows, predictions: first },
    await model.predict(rows),
  );
  if (repeated)
    return [
      {
        severity: "error",
        file,
        path: "",
        message: `two runs on the same rows give different answers: ${formatDifference(repeated, "in the second run")}${operators.random.length > 0 ? `; the graph draws random numbers (${formatList(operators.random)})` : ""}`,
        remedy:
          "Export the model for inference, without random operators (PyTorch: model.eval() first; Keras: training=False): otherwise the delivery ends in GoldenVectorsDiffer.",
      },
    ];
  const alone: FolderProblem[] = [];
  for (const [index, row] of rows.slice(0, mostSingleRows).entries()) {
    const predictions = first.slice(index, index + 1);
    const [difference] = findGoldenDifferences(
      { tolerance, rows: [row], predictions },
      await model.predict([row]),
    );
    if (!difference) continue;
    if (sequenceInput !== undefined)
      return [
        {
          severity: "error",
          file,
          path: "",
          message: `the first dimension of the graph's input ${sequenceInput} is not the rows: it is fixed, another one is open, and a row's answer depends on its neighbours (${formatDifference({ ...difference, row: index }, "alone")})`,
          remedy:
            "Export the model with the rows first (PyTorch: batch_first=True, or a module that transposes its input and its output), with an open first dimension.",
        },
      ];
    alone.push({
      severity: "warning",
      file,
      path: "",
      message: `a row's answer depends on the other rows of its batch: ${formatDifference({ ...difference, row: index }, "alone")}${operators.acrossRows.length > 0 ? ` (${formatList(operators.acrossRows)} can mix rows)` : ""}`,
      remedy:
        "Requests that arrive together run as one batch, so callers change each other's answers: export the model for inference (PyTorch: model.eval() first), with operators along the columns (axis 1), and with static quantization instead of dynamic.",
    });
    break;
  }
  return alone;
};
