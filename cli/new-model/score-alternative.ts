import type { MeasuredScore } from "./infer-gates.ts";
import { type Probe, probeModel, type Tokenizer } from "./probe-model.ts";
import type { GraphRun } from "./run-graph-on-rows.ts";
import type { ScoredGuess } from "./scored-guess.ts";

export type Graph = {
  readonly onnx: Uint8Array;
  readonly tokenizer: Tokenizer | undefined;
  /** Whether outputs of more than two dimensions matter too. */
  readonly wide: boolean;
};
/**
 * The scores of another run on the same rows. Throws where its outputs are not finite. Undefined where no score compares
 * runs: the rows have no truth, or the graph's outputs alone are no predictions.
 */
export type MeasureProbe = ((probe: Probe) => readonly MeasuredScore[]) | undefined;

/** Runs the graph in the way that a guess has not chosen, and says what the score would be; `measured`: of the choice. */
export type GuessByRun = (
  graph: Graph,
  run: GraphRun,
  measured: readonly MeasuredScore[],
  measure: MeasureProbe,
) => Promise<readonly ScoredGuess[]>;

export const formatScore = (score: MeasuredScore | undefined): string =>
  score ? `${score.words} ${Number(score.score.estimate.toPrecision(3))}` : "no score";
export const isBetter = (one: MeasuredScore | undefined, other: MeasuredScore | undefined): boolean => {
  if (!one || !other) return false;
  const difference = one.score.estimate - other.score.estimate;
  return one.higherIsBetter ? difference > 0 : difference < 0;
};

/** The first score of a run that may fail: an alternative that does not run has none. */
export const scoreAlternative = async (
  graph: Graph,
  { inputs, usable }: Pick<GraphRun, "inputs" | "usable">,
  measure: NonNullable<MeasureProbe>,
): Promise<MeasuredScore | undefined> => {
  const probe = await probeModel(
    graph,
    inputs.map(({ input }) => input),
    usable.rows,
  );
  if (probe.status === "failed") return undefined;
  if (probe.outputs.some(({ data }) => data.includes(null))) return undefined;
  return measure(probe)[0];
};
