import { areShares } from "#model-folder/rows/are-shares.ts";
import type { InferredLabels, LabelEvidence } from "./infer-labels.ts";
import {
  assertGivenLabels,
  findHighest,
  inferBinaryLabels,
  inferLabels,
  isInteger,
  sortLabels,
} from "./infer-labels.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import type { RowNumbers } from "./read-number-outputs.ts";
import type { ScoredGuess } from "./scored-guess.ts";
import type { ScoreKind as GivenScoreKind } from "./task-evidence.ts";

/** The output of a classification, as the manifest describes it. */
export type InferredClassification = {
  readonly task: "classification";
  readonly scores: "probabilities" | "logits" | "decision" | "none";
  /** The graph's output with the labels. */
  readonly labelOutput?: string;
  readonly positive?: string;
  /** Guesses that change no number. */
  readonly guesses: readonly string[];
  readonly scoredGuesses: readonly ScoredGuess[];
} & Pick<InferredLabels, "labels" | "integers">;

/** The graph's label output, and its label for each row. */
export type LabelOutput = { readonly name: string; readonly predicted: readonly string[] };

type ClassificationEvidence = Omit<LabelEvidence, "scores" | "predicted"> & {
  /** One score per row, or one per label; undefined for labels without scores. */
  readonly scores: RowNumbers | undefined;
  readonly labelOutput: LabelOutput | undefined;
  readonly positive: string | undefined;
  /** What the caller says that the numbers are. */
  readonly scoreKind?: GivenScoreKind | undefined;
};

/** A share of rows below which raw values are not the scores of the graph's labels, for example distances. */
const leastAgreement = 0.9;
const formatNames = (names: readonly string[]): string =>
  `${names.slice(0, 6).join(", ")}${names.length > 6 ? ", …" : ""}`;

/** The positive one of two labels: 1 of 0 and 1, otherwise the rarer one. */
const guessPositiveLabel = (
  { labels, integers }: InferredLabels,
  truth: readonly string[],
): string | undefined => {
  const [first = "", second = "", ...more] = labels;
  if (more.length > 0) return undefined;
  const count = (label: string): number => truth.filter((value) => value === label).length;
  return integers || count(second) <= count(first) ? second : first;
};

const choosePositive = (
  labels: InferredLabels,
  { positive, truth }: ClassificationEvidence,
  isSecond: boolean,
): Pick<InferredClassification, "positive" | "guesses"> => {
  if (positive !== undefined) {
    if (!labels.labels.includes(positive))
      throw new NewModelRefused(
        `--positive ${positive} is not one of the labels ${formatNames(labels.labels)}`,
        "Write one of them.",
      );
    if (isSecond && positive !== labels.labels[1])
      throw new NewModelRefused(
        `the graph's decision value is above 0 for ${labels.labels[1]}, not for --positive ${positive}`,
        `Leave out --positive, or give the labels' order: --labels <other label>,${positive}.`,
      );
    return { positive, guesses: [] };
  }
  const guess = isSecond ? labels.labels[1] : guessPositiveLabel(labels, truth);
  return guess === undefined ? { guesses: [] } : { positive: guess, guesses: [`positive: ${guess}`] };
};

/** The label that the scores alone give each row. */
const pickLabels = (
  { rows, width }: RowNumbers,
  labels: readonly string[],
  cut: number,
): readonly (string | undefined)[] =>
  rows.map((row) => (width === 1 ? labels[(row[0] ?? 0) > cut ? 1 : 0] : labels[findHighest(row)]));

type ScoreKind = Pick<InferredClassification, "scores" | "scoredGuesses">;

const guessRawKind = (
  scores: RowNumbers,
  agreement: { readonly rows: number; readonly total: number } | undefined,
): ScoreKind => {
  if (!agreement)
    return {
      scores: "logits",
      scoredGuesses: [
        {
          subject: "scores",
          choice: `logits, because the values of the output ${scores.name} are not all between 0 and 1; they become probabilities by ${scores.width === 1 ? "the sigmoid" : "softmax"}`,
          alternative: "--scores decision serves the raw values; labels and accuracy are the same",
          isDoubtful: false,
        },
      ],
    };
  const share = agreement.rows / agreement.total;
  return share >= leastAgreement
    ? {
        scores: "decision",
        scoredGuesses: [
          {
            subject: "scores",
            choice: `decision, the raw values of ${scores.name}, because they are no probabilities`,
            alternative:
              "--scores logits makes probabilities of them, if they are logits; labels and accuracy are the same",
            isDoubtful: false,
          },
        ],
      }
    : {
        scores: "none",
        scoredGuesses: [
          {
            subject: "scores",
            choice: `none, because the highest value of ${scores.name} is the graph's own label in only ${agreement.rows} of ${agreement.total} rows`,
            alternative: "--scores decision serves its values all the same",
            isDoubtful: false,
          },
        ],
      };
};

const inferScoreKind = (scores: RowNumbers, agreement: Parameters<typeof guessRawKind>[1]): ScoreKind => {
  if (areShares(scores.rows, { type: scores.type })) return { scores: "probabilities", scoredGuesses: [] };
  if (!areShares(scores.rows, { type: scores.type, sums: false })) return guessRawKind(scores, agreement);
  return {
    scores: "probabilities",
    scoredGuesses: [
      {
        subject: "scores",
        choice: `probabilities, because ${scores.name} is between 0 and 1, although the sums of its rows are not 1`,
        alternative: "--scores logits makes sums of 1 by softmax; labels and accuracy are the same",
        isDoubtful: false,
      },
    ],
  };
};

/** Labels without scores: those of the target and of the graph. */
const listLabels = (
  { known, stored, given }: ClassificationEvidence,
  predicted: readonly string[],
): InferredLabels => {
  if (given) return assertGivenLabels(given, [...known, ...predicted], undefined);
  const [list = [], ...more] = stored.filter((each) => known.every((label) => each.includes(label)));
  const labels = sortLabels([...known, ...predicted, ...(more.length === 0 ? list : [])]);
  if (labels.length < 2)
    throw new NewModelRefused(
      `target and graph have one label (${labels.join("")})`,
      "List all labels: --labels a,b.",
    );
  return { labels, integers: labels.every(isInteger) };
};

/** Raw values beside a label output are scores of its labels where each label has one; two labels can share one. */
const fitsLabels = (
  evidence: ClassificationEvidence,
  { predicted }: LabelOutput,
  scores: RowNumbers,
): boolean => {
  if (evidence.given || areShares(scores.rows, { type: scores.type, sums: false })) return true;
  const { length } = listLabels(evidence, predicted).labels;
  return length === scores.width || (scores.width === 1 && length === 2);
};

/** Whether a label output in other words than the target's numbers the highest score in every row. */
const numbersScores = ({ predicted }: LabelOutput, scores: RowNumbers, cut: number): boolean => {
  const count = Math.max(2, scores.width);
  const indexes = pickLabels(
    scores,
    Array.from({ length: count }, (_, at) => String(at)),
    cut,
  );
  const sorted = sortLabels(predicted);
  return (
    predicted.every((label, row) => label === indexes[row]) ||
    (sorted.length === count &&
      predicted.every((label, row) => String(sorted.indexOf(label)) === indexes[row]))
  );
};

/**
 * Whether the label output has codes of the target's integers, from 0 on, as LabelEncoder makes them: 1 of 0, 1, 2 is a
 * label of 1, 2, 3 too.
 */
const holdsCodes = (
  { known, given }: ClassificationEvidence,
  output: LabelOutput,
  scores: RowNumbers | undefined,
): boolean => {
  const labels = new Set(given ?? known);
  return (
    scores !== undefined &&
    Math.max(2, scores.width) === labels.size &&
    !output.predicted.every((label) => labels.has(label)) &&
    numbersScores(output, scores, areShares(scores.rows, { type: scores.type }) ? 0.5 : 0)
  );
};

/** Whether target and graph name labels with the same words; a graph can have been trained on their codes. */
const sharesWords = (
  evidence: ClassificationEvidence,
  output: LabelOutput | undefined,
): output is LabelOutput => {
  if (!output) return false;
  const words = new Set(evidence.known);
  return output.predicted.some((label) => words.has(label)) && !holdsCodes(evidence, output, evidence.scores);
};

const describeLabelsOnly = (
  evidence: ClassificationEvidence,
  output: LabelOutput,
): InferredClassification => {
  const inferred = listLabels(evidence, output.predicted);
  const { positive } = choosePositive(inferred, evidence, false);
  return {
    task: "classification",
    labels: inferred.labels,
    integers: inferred.integers,
    scores: "none",
    labelOutput: output.name,
    ...(positive === undefined ? {} : { positive }),
    guesses: positive === undefined || evidence.positive !== undefined ? [] : [`positive: ${positive}`],
    scoredGuesses: [],
  };
};

const inferOrder = (
  evidence: ClassificationEvidence,
  scores: RowNumbers,
  predicted: readonly string[] | undefined,
) => {
  const order = { ...evidence, scores: scores.rows, predicted };
  if (scores.width > 1) return { cut: 0, inferred: inferLabels(order) };
  const cut = areShares(scores.rows, { type: scores.type }) ? 0.5 : 0;
  // The one score of a label output's graph is the decision for the second label.
  const positive = predicted ? undefined : evidence.positive;
  return { cut, inferred: inferBinaryLabels(order, { cut, positive }) };
};

/**
 * Describes a classification. A label output is the label, where it has the target's words: the manifest names it if the
 * graph has no scores, or raw values, or if it differs from the highest score on any row. Throws NewModelRefused where
 * labels and scores do not fit.
 */
export const inferClassification = (evidence: ClassificationEvidence): InferredClassification => {
  const { scores, labelOutput, known, truth } = evidence;
  const own = sharesWords(evidence, labelOutput) ? labelOutput : undefined;
  if (!scores || (scores.width === 1 && own && new Set([...known, ...own.predicted]).size > 2)) {
    if (own) return describeLabelsOnly(evidence, own);
    throw new NewModelRefused(
      labelOutput
        ? `the graph's label output ${labelOutput.name} says ${formatNames(sortLabels(labelOutput.predicted))}, the target has ${formatNames(sortLabels(known))}`
        : `the target has ${known.length} labels, but no output of the graph has a score for each, or a label per row`,
      labelOutput
        ? "Write the target with the labels that the graph returns."
        : "Export the probabilities as a tensor [N, labels], or the label as a tensor [N].",
    );
  }
  if (own && !fitsLabels(evidence, own, scores)) {
    const labels = listLabels(evidence, own.predicted).labels.length;
    return {
      ...describeLabelsOnly(evidence, own),
      scoredGuesses: [
        {
          subject: "scores",
          choice: `none, because ${scores.name} has ${scores.width} raw values per row for ${labels} labels`,
          alternative: "--labels lists a label for each value, if they are scores of labels",
          isDoubtful: false,
        },
      ],
    };
  }
  const { cut, inferred } = inferOrder(
    own
      ? { ...evidence, known: scores.width === 1 ? sortLabels([...known, ...own.predicted]) : known }
      : evidence,
    scores,
    own?.predicted,
  );
  const picked = pickLabels(scores, inferred.labels, cut);
  const same = own?.predicted.filter((label, row) => label === picked[row]).length ?? 0;
  const total = truth.length;
  const isNumbered = labelOutput && !own && numbersScores(labelOutput, scores, cut);
  const kind: ScoreKind = evidence.scoreKind
    ? { scores: evidence.scoreKind, scoredGuesses: [] }
    : inferScoreKind(scores, own ? { rows: same, total } : isNumbered ? { rows: total, total } : undefined);
  if (labelOutput && !own && !isNumbered && kind.scores !== "probabilities")
    throw new NewModelRefused(
      `the graph's label output ${labelOutput.name} says ${formatNames(sortLabels(labelOutput.predicted))}, the target has ${formatNames(sortLabels(known))}, and the highest value of ${scores.name} is not that label`,
      "Write the target with the labels that the graph returns.",
    );
  if (own && kind.scores === "none") {
    const described = describeLabelsOnly(evidence, own);
    return { ...described, scoredGuesses: kind.scoredGuesses };
  }
  const { positive, guesses } = choosePositive(
    inferred,
    evidence,
    kind.scores === "decision" && inferred.labels.length === 2,
  );
  const namesLabels = own && (kind.scores === "decision" || same !== truth.length);
  return {
    task: "classification",
    labels: inferred.labels,
    integers: inferred.integers,
    scores: kind.scores,
    ...(namesLabels ? { labelOutput: own.name } : {}),
    ...(positive === undefined ? {} : { positive }),
    guesses,
    scoredGuesses: [
      ...(inferred.guess ? [inferred.guess] : []),
      ...kind.scoredGuesses,
      ...(namesLabels && kind.scores !== "decision" ? [describeOwnLabel(own, same, truth)] : []),
      ...(labelOutput && !own && !isNumbered ? [describeIgnoredLabel(labelOutput)] : []),
    ],
  };
};

const describeOwnLabel = ({ name }: LabelOutput, same: number, truth: readonly string[]): ScoredGuess => ({
  subject: "label",
  choice: `the graph's own output ${name}`,
  alternative: `it is not the highest score in ${truth.length - same} of ${truth.length} rows; without labelOutput in model.yaml the highest score decides`,
  isDoubtful: false,
});

const describeIgnoredLabel = ({ name, predicted }: LabelOutput): ScoredGuess => ({
  subject: "label",
  choice: "the highest score",
  alternative: `the graph's own output ${name} says ${formatNames(sortLabels(predicted))}, which are not the target's labels: write the target in them to serve it`,
  isDoubtful: false,
});
