import type { CompiledGraph } from "#inference/model/compiled/compiled-graph.ts";
import type { TreeEnsemble } from "#inference/model/compiled/tree-ensemble.ts";
import type { LoadedModel } from "#inference/model/load-model.ts";
import type { FolderProblem } from "#model-folder/manifest/folder-problem.ts";
import type { Manifest, Prediction, Row } from "#model-folder/manifest/manifest.ts";
import { findGoldenDifferences, type GoldenRowComparison } from "#model-folder/rows/compare-golden.ts";
import { generateRows } from "./generate-rows.ts";
import { listThresholdValues } from "./list-threshold-values.ts";

type Needs = {
  readonly manifest: Manifest;
  readonly file: string;
  readonly compiled: Pick<LoadedModel, "predict">;
  readonly onnxruntime: Pick<LoadedModel, "predict">;
  readonly graph: CompiledGraph;
  readonly ensembles: readonly TreeEnsemble[];
  readonly golden: readonly Row[];
  readonly holdout: readonly Row[];
  /** Milliseconds of a clock that never goes back. */
  readonly tick?: () => number;
};

/** Relative for values above 1, else absolute. Both engines round to 32-bit floats, in another order. */
const tolerance = 1e-6;
/**
 * Rows of a request. Many rows take other kernels than a few, and large sums are left to onnxruntime: compared with 500 rows
 * alone, what answers most requests would never have run.
 */
const requestRows = [500, 3] as const;
const holdoutRows = 10_000;
const generatedRows = { least: 2_000, most: 20_000 };
/** Milliseconds for the rows of one kind in requests of one size; a slow model is compared on fewer of them. */
const budgetMs = 4_000;
/** Where the time is over before this number of rows, the check says so. */
const leastRows = 900;

const formatDifference = (comparison: GoldenRowComparison, kind: string, row: number): string =>
  comparison.status === "incomparable"
    ? `${kind} row ${row} ${comparison.reason} (onnxruntime)`
    : `${comparison.largest.name} of ${kind} row ${row} is ${comparison.largest.actual} compiled and ${comparison.largest.expected} in onnxruntime`;

const settle = async (
  model: Pick<LoadedModel, "predict">,
  rows: readonly Row[],
): Promise<Prediction[] | Error> => {
  try {
    return await model.predict(rows);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
};

/** The first difference of these rows as a sentence; an error of both engines, for the same rows, is none. */
const compareRows = async (
  { compiled, onnxruntime }: Pick<Needs, "compiled" | "onnxruntime">,
  rows: readonly Row[],
  kind: string,
  start: number,
): Promise<string | undefined> => {
  const [expected, actual] = [await settle(onnxruntime, rows), await settle(compiled, rows)];
  if (expected instanceof Error || actual instanceof Error) {
    const isSame = expected instanceof Error && actual instanceof Error && expected.name === actual.name;
    if (rows.length === 1)
      return isSame
        ? undefined
        : `${kind} row ${start} ${actual instanceof Error ? `has no compiled prediction (${actual.message.slice(0, 300)})` : "has a compiled prediction, and none in onnxruntime"}`;
    // One row alone can be the cause.
    for (const [index, row] of rows.entries()) {
      const difference = await compareRows({ compiled, onnxruntime }, [row], kind, start + index);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }
  const [difference] = findGoldenDifferences({ tolerance, rows: [...rows], predictions: expected }, actual);
  return difference && formatDifference(difference, kind, start + difference.row);
};

/** The first difference in requests of this size, and how many rows were compared until then or until the time was over. */
const compareRequests = async (
  needs: Needs,
  rows: readonly Row[],
  { kind, size }: { readonly kind: string; readonly size: (typeof requestRows)[number] },
): Promise<{ readonly difference: string | undefined; readonly compared: number }> => {
  const { tick = () => performance.now() } = needs;
  const started = tick();
  for (let start = 0; start < rows.length; start += size) {
    if (start > 0 && tick() - started > budgetMs) return { difference: undefined, compared: start };
    const difference = await compareRows(needs, rows.slice(start, start + size), kind, start);
    if (difference !== undefined)
      return { difference: `${difference}, in requests of ${size} rows`, compared: start };
  }
  return { difference: undefined, compared: rows.length };
};

/**
 * Compares the compiled model with onnxruntime on golden, holdout and generated rows, which hold the neighbourhood of each
 * threshold. Labels must be equal, and numbers within 1e-6 × max(1, |y|), in requests of many rows and of a few. Returns the first difference as an error,
 * and otherwise a warning for rows of which only a few were compared.
 */
export const findEngineDifferences = async (needs: Needs): Promise<FolderProblem[]> => {
  const { manifest, golden, holdout, graph, ensembles, file } = needs;
  const [row] = golden;
  const values = row
    ? listThresholdValues({ manifest, graph, ensembles, row })
    : new Map<string, readonly number[]>();
  const kinds = [
    ["golden", golden],
    ["holdout", holdout.slice(0, holdoutRows)],
    ["generated", generateRows({ inputs: manifest.inputs, rows: golden, values, ...generatedRows })],
  ] as const;
  const problem = { file, path: "" } as const;
  const partial: string[] = [];
  for (const [kind, rows] of kinds)
    for (const size of requestRows) {
      const { difference, compared } = await compareRequests(needs, rows, { kind, size });
      if (difference !== undefined)
        return [
          {
            ...problem,
            severity: "error",
            message: `the compiled model and onnxruntime differ: ${difference}`,
            remedy:
              "Write engine: onnxruntime in model.yaml, and report it with the model: a compiled model must predict as onnxruntime does.",
          },
        ];
      if (compared < Math.min(rows.length, leastRows))
        partial.push(`${compared} of ${rows.length} ${kind} rows in requests of ${size}`);
    }
  if (partial.length === 0) return [];
  return [
    {
      ...problem,
      severity: "warning",
      message: `the compiled model was compared with onnxruntime on a few rows only, because a run takes long: ${partial.join(", ")}`,
      remedy:
        "Check it again on a machine that is not busy, or write engine: onnxruntime in model.yaml, which needs no comparison.",
    },
  ];
};
