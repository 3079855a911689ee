import { listTextInputs } from "#model-folder/manifest/list-text-inputs.ts";
import type { Input } from "#model-folder/manifest/manifest.ts";
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
/**
 * The scores of another run on the same rows. Throws where its outputs are not finite. Undefined where no score compares
 * runs: the rows have no truth, or the graph's outputs alone are no predictions.
 */
type MeasureProbe = ((probe: Probe) => readonly MeasuredScore[]) | undefined;

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

/** A matrix names no columns: the CSV's order is a guess, and the alphabetical one the most frequent other. */
export const guessColumnOrder = async (
  graph: Graph,
  run: GraphRun,
  [own]: readonly MeasuredScore[],
  measure: MeasureProbe,
): Promise<readonly ScoredGuess[]> => {
  const texts = listTextInputs({
    inputs: run.inputs.map(({ input }) => input),
    tokenizer: graph.tokenizer?.rules,
  });
  const isText = ({ input: { name } }: GraphRun["inputs"][number]) => texts.includes(name);
  const columns = run.inputs.filter((input) => !isText(input));
  const sorted = columns.toSorted((one, other) => (one.match.column < other.match.column ? -1 : 1));
  const isSorted = sorted.every((input, at) => input === columns[at]);
  const isOneMatrix = new Set(columns.map(({ match }) => match.element)).size === 1;
  const choice = `the CSV's order, without the target (${formatScore(own)})`;
  if (isSorted || !isOneMatrix || !measure)
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
  const inputs = [...run.inputs.filter(isText), ...sorted];
  const other = await scoreAlternative(graph, { ...run, inputs }, measure);
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

/** Those of ImageNet's pictures, with which torchvision's and most of Hugging Face's models are trained. */
const imageNet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
type ImageInput = Extract<Input, { readonly type: "image" }>;
type Preparation = Partial<Pick<ImageInput, "resize" | "mean" | "std">>;

const formatPreparation = ({ resize, mean, std }: Preparation): string =>
  [
    ...(resize ? [`resize: ${resize}`] : []),
    ...(mean ? [`mean: [${mean.join(", ")}]`] : []),
    ...(std ? [`std: [${std.join(", ")}]`] : []),
  ].join(", ");

/** The usual other ways to make a graph's numbers of this image. */
const listPreparations = (input: ImageInput): readonly Preparation[] => {
  const normalize = input.scale === "1/255" && input.channels === "RGB" ? imageNet : undefined;
  const stretch = input.resize === "cover" ? ({ resize: "stretch" } as const) : undefined;
  return [
    ...(normalize ? [normalize] : []),
    ...(stretch ? [stretch] : []),
    ...(normalize && stretch ? [{ ...stretch, ...normalize }] : []),
  ];
};

/** No ONNX file says how its images were resized and scaled: the labels of the rows compare the usual ways. */
export const guessImagePreparation = async (
  graph: Graph,
  run: GraphRun,
  [own]: readonly MeasuredScore[],
  measure: MeasureProbe,
): Promise<readonly ScoredGuess[]> => {
  const image = run.inputs.map(({ input }) => input).find((input) => input.type === "image");
  if (!image) return [];
  const preparations = listPreparations(image);
  let best: { readonly preparation: Preparation; readonly score: MeasuredScore } | undefined;
  for (const preparation of measure ? preparations : []) {
    const inputs = run.inputs.map((each) =>
      each.input === image ? { ...each, input: { ...image, ...preparation } } : each,
    );
    const score = measure && (await scoreAlternative(graph, { ...run, inputs }, measure));
    if (score && (!best || isBetter(score, best.score))) best = { preparation, score };
  }
  const example = preparations.at(-1) ?? imageNet;
  return [
    {
      subject: "image",
      choice: `resize: ${image.resize}${image.scale === undefined ? ", pixels as they are" : `, scale: ${image.scale}, no mean and std`} (${formatScore(own)})`,
      alternative: best
        ? `with ${formatPreparation(best.preparation)} it would be ${formatScore(best.score)}: if the model was trained so, --image "${formatPreparation(best.preparation)}"`
        : `if the model was trained with other images, --image, for example "${formatPreparation(example)}"`,
      isDoubtful: isBetter(best?.score, own),
    },
  ];
};

const maxCodedColumns = 8;

/**
 * Text in a matrix of numbers is its index among the sorted values: LabelEncoder and category codes number it so, while
 * pandas.factorize and a dictionary of the training's own do not. For two values the other order is the reverse.
 */
export const guessCodes = async (
  graph: Graph,
  run: GraphRun,
  [own]: readonly MeasuredScore[],
  measure: MeasureProbe,
): Promise<readonly ScoredGuess[]> => {
  const guesses: ScoredGuess[] = [];
  for (const { match, input } of run.inputs) {
    if (!match.inMatrix || match.element === "string" || input.type !== "category") continue;
    if (input.values.length < 2 || guesses.length === maxCodedColumns) continue;
    const seen = [
      ...new Set(run.usable.rows.map((row) => row[input.name]).filter((value) => typeof value === "string")),
    ];
    const isSorted = seen.every((value, at) => value === input.values[at]);
    const values =
      isSorted || input.values.length === 2
        ? input.values.toReversed()
        : [...new Set([...seen, ...input.values])];
    const inputs = run.inputs.map((each) =>
      each.match === match ? { ...each, input: { ...input, values } } : each,
    );
    const other = measure && (await scoreAlternative(graph, { ...run, inputs }, measure));
    const format = (all: readonly string[]) =>
      all
        .slice(0, 4)
        .map((value, at) => `${value} ${at}`)
        .join(", ") + (all.length > 4 ? ", …" : "");
    guesses.push({
      subject: "codes",
      choice: `${match.column} becomes the index of its sorted values: ${format(input.values)} (${formatScore(own)})`,
      alternative: other
        ? `with ${format(values)} it would be ${formatScore(other)}: if the training numbered them so, order \`values\` in model.yaml`
        : "if the training numbered them in another way, order `values` in model.yaml",
      isDoubtful: isBetter(other, own),
    });
  }
  return guesses;
};

/** A tokenizer takes the first text of a pair first; the CSV's order is a guess. */
export const guessPairOrder = async (
  graph: Graph,
  run: GraphRun,
  [own]: readonly MeasuredScore[],
  measure: MeasureProbe,
): Promise<readonly ScoredGuess[]> => {
  const { tokenizer } = graph;
  const { pair } = tokenizer?.rules ?? {};
  if (!tokenizer || !pair) return [];
  const [first, second] = pair;
  const swapped = { ...tokenizer, rules: { ...tokenizer.rules, pair: [second, first] as [string, string] } };
  const other = measure && (await scoreAlternative({ ...graph, tokenizer: swapped }, run, measure));
  return [
    {
      subject: "pair",
      choice: `${first} is the first text and ${second} the second, in the order of the CSV (${formatScore(own)})`,
      alternative: other
        ? `with ${second} first it would be ${formatScore(other)}: if the model was trained so, order the CSV's columns`
        : "if the model was trained with the other order, order the CSV's columns",
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
  const { rules } = tokenizer;
  const more = Math.min(maxTokens, rules.maxTokens * 2);
  const longer = { ...tokenizer, rules: { ...rules, maxTokens: more } };
  const other = measure && (await scoreAlternative({ ...graph, tokenizer: longer }, run, measure));
  return [
    {
      subject: "truncation",
      choice: `${cut} of ${run.usable.rows.length} texts are cut off after ${rules.maxTokens} tokens (${formatScore(own)})`,
      alternative: other
        ? `with ${more} tokens it would be ${formatScore(other)}: --max-tokens ${more}`
        : measure
          ? `the model does not run with ${more} tokens`
          : `if the model was trained with more tokens: --max-tokens ${more}`,
      isDoubtful: isBetter(other, own),
    },
  ];
};
