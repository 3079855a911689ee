import type { MeasuredScore } from "./infer-gates.ts";
import { type Probe, probeModel, type Tokenizer } from "./probe-model.ts";
import type { GraphRun } from "./run-graph-on-rows.ts";
import type { ScoredGuess } from "./scored-guess.ts";

type Graph = {
  readonly onnx: Uint8Array;
  readonly tokenizer: Tokenizer | undefined;
  /** Whether outputs of more than two dimensions matter too. */
  readonly wide: boolean;
};
/** The scores of another run on the same rows. Throws where its outputs are not finite. */
type MeasureProbe = (probe: Probe) => readonly MeasuredScore[];

const maxTokens = 8_192;
const formatScore = (score: MeasuredScore | undefined): string =>
  score ? `${score.words} ${Number(score.score.estimate.toPrecision(3))}` : "no score";
const isBetter = (one: MeasuredScore | undefined, other: MeasuredScore | undefined): boolean => {
  if (!one || !other) return false;
  const difference = one.score.estimate - other.score.estimate;
  return one.higherIsBetter ? difference > 0 : difference < 0;
};

/** The first score of a run that may fail: an alternative that does not run has none. */
const scoreAlternative = async (
  graph: Graph,
  { inputs, usable }: Pick<GraphRun, "inputs" | "usable">,
  measure: MeasureProbe,
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

/** A matrix names no columns: the CSV's order is a guess, and the alphabetical one the most frequent other. */
export const guessColumnOrder = async (
  graph: Graph,
  run: GraphRun,
  [own]: readonly MeasuredScore[],
  measure: MeasureProbe,
): Promise<readonly ScoredGuess[]> => {
  const sorted = run.inputs.toSorted((one, other) => (one.match.column < other.match.column ? -1 : 1));
  const isSorted = sorted.every((input, at) => input === run.inputs[at]);
  const isOneMatrix = new Set(run.inputs.map(({ match }) => match.element)).size === 1;
  const choice = `the CSV's order, without the target (${formatScore(own)})`;
  if (isSorted || !isOneMatrix)
    return [
      {
        subject: "columns",
        choice,
        alternative: isSorted
          ? "it is the alphabetical order too"
          : "the graph names none of its columns: compare the order with the training's",
        isDoubtful: false,
      },
    ];
  const other = await scoreAlternative(graph, { ...run, inputs: sorted }, measure);
  return [
    {
      subject: "columns",
      choice,
      alternative: other
        ? `in alphabetical order it would be ${formatScore(other)}: if the model was trained so, order the CSV's columns`
        : "the model does not run on the alphabetical order",
      isDoubtful: isBetter(other, own),
    },
  ];
};

/** Texts that are cut off lose tokens, and with them perhaps the label. */
export const guessTruncation = async (
  graph: Graph,
  run: GraphRun,
  [own]: readonly MeasuredScore[],
  measure: MeasureProbe,
): Promise<readonly ScoredGuess[]> => {
  const { tokenizer } = graph;
  const cut = run.probe.truncatedRows ?? 0;
  if (!tokenizer || cut === 0) return [];
  const more = Math.min(maxTokens, tokenizer.maxTokens * 2);
  const other = await scoreAlternative(
    { ...graph, tokenizer: { ...tokenizer, maxTokens: more } },
    run,
    measure,
  );
  return [
    {
      subject: "truncation",
      choice: `${cut} of ${run.usable.rows.length} texts are cut off after ${tokenizer.maxTokens} tokens (${formatScore(own)})`,
      alternative: other
        ? `with ${more} tokens it would be ${formatScore(other)}: --max-tokens ${more}`
        : `the model does not run with ${more} tokens`,
      isDoubtful: isBetter(other, own),
    },
  ];
};
