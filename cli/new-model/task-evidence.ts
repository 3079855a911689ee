import type { Manifest } from "#model-folder/manifest/manifest.ts";
import type { OnnxSummary } from "#model-folder/onnx/inspect-onnx.ts";
import type { GraphOutputs } from "./read-graph-outputs.ts";
import type { ScoredGuess } from "./scored-guess.ts";

export type Pooling = Extract<Manifest, { task: "embedding" }>["output"]["pooling"];

export type ScoreKind = "probabilities" | "logits" | "decision";

/** What the caller said about the output. */
export type TaskOptions = {
  readonly task?: Manifest["task"] | undefined;
  /** A classification's, or a token's, in the order of the scores' columns. */
  readonly labels?: readonly string[] | undefined;
  readonly positive?: string | undefined;
  /** The column that says which rows are ranked together. */
  readonly group?: string | undefined;
  /** Of each predicted value, 0 to 1. */
  readonly quantiles?: readonly number[] | undefined;
  /** How the vectors of a text's tokens become an embedding. */
  readonly pooling?: Pooling | undefined;
  /** Whether an embedding is divided by its length. */
  readonly normalize?: boolean | undefined;
  /** What the numbers of a classification or of several labels are. */
  readonly scores?: ScoreKind | undefined;
};

/** The graph, a run of it, and the truth of the run's rows. */
export type TaskEvidence = {
  readonly graph: Pick<OnnxSummary, "outputs" | "classLabels">;
  readonly outputs: GraphOutputs;
  /** The dimensions of one row of each output in the run; undefined: its first dimension is not the rows. */
  readonly shapes?: ReadonlyMap<string, readonly (number | null)[] | undefined>;
  readonly rows: number;
  /** The cells of each target; none: the rows have no truth. */
  readonly targets: ReadonlyMap<string, readonly string[]>;
  readonly options: TaskOptions;
};

/** An output of a task, as the manifest describes it. */
export type InferredTask = {
  readonly task: Manifest["task"];
  /** The manifest's `output`. */
  readonly output: Readonly<Record<string, unknown>>;
  /** The holdout's cells for each column of the truth; none: no truth. */
  readonly truth: readonly (readonly string[])[];
  readonly guesses: readonly string[];
  readonly scoredGuesses?: readonly ScoredGuess[];
};
