import {
  computeRatio,
  gainOfInfluence,
  type InfluencedScore,
  intervalOfInfluence,
  type RatioCounts,
} from "#domain/statistics/influence-interval.ts";
import type { Prediction } from "#model-folder/manifest/manifest.ts";
import type { WordSpan } from "#model-folder/rows/group-tags.ts";
import type { Word } from "#model-folder/rows/split-words.ts";
import { listEntitySpans } from "./list-entity-spans.ts";
import type { ScoreMetric } from "./score-metrics.ts";

/** A holdout row: its words and the entities among them. */
export type EntityTruth = { readonly words: readonly Word[]; readonly spans: readonly WordSpan[] };
type Counts = { readonly shared: number; readonly listed: number; readonly isExact: boolean };

const formatSpan = ({ label, first, last }: WordSpan): string => `${first} ${last} ${label}`;

/** Twice the entities in both, by the entities of truth and prediction together: F1 over all labels. */
const countEntities = (truth: readonly WordSpan[], predicted: readonly WordSpan[]): Counts => {
  const expected = new Set(truth.map(formatSpan));
  const shared = predicted.filter((span) => expected.has(formatSpan(span))).length;
  return {
    shared: 2 * shared,
    listed: truth.length + predicted.length,
    isExact: shared === truth.length && shared === predicted.length,
  };
};

/** Each word's label, with its place in its entity. */
const tagWords = (words: number, spans: readonly WordSpan[]): readonly string[] => {
  const tags = new Array<string>(words).fill("");
  for (const { label, first, last } of spans)
    for (let at = first; at <= last; at++) tags[at] = `${at === first ? "B" : "I"}-${label}`;
  return tags;
};

const countWords =
  (words: number) =>
  (truth: readonly WordSpan[], predicted: readonly WordSpan[]): Counts => {
    const expected = tagWords(words, truth);
    const shared = tagWords(words, predicted).filter((tag, at) => tag === expected[at]).length;
    return { shared, listed: words, isExact: shared === words };
  };

const createMetric = (
  truth: readonly EntityTruth[],
  description: Pick<ScoreMetric, "name" | "words">,
  count: (row: EntityTruth, predicted: readonly WordSpan[]) => Counts,
  findProblem: () => string | undefined,
): ScoreMetric => {
  const score = (predictions: readonly Prediction[]): InfluencedScore & { exact: readonly boolean[] } => {
    const counts = truth.map((row, at) =>
      count(row, listEntitySpans(row.words, predictions[at]?.entities ?? [])),
    );
    const sums: RatioCounts = {
      shared: counts.map(({ shared }) => shared),
      listed: counts.map(({ listed }) => listed),
    };
    const { ratio, influence } = computeRatio(sums);
    return { estimate: ratio, influence, exact: counts.map(({ isExact }) => isExact) };
  };
  return {
    ...description,
    higherIsBetter: true,
    measure: (predictions) => {
      const problem = truth.length === 0 ? "the holdout has no rows" : findProblem();
      if (problem !== undefined) return problem;
      const { exact, ...own } = score(predictions);
      return intervalOfInfluence(own, exact);
    },
    gain: (champion, challenger) => gainOfInfluence(score(champion), score(challenger)),
  };
};

/**
 * The share of words with the right tag, where a word has its first token's; and F1 of entities, over all labels together,
 * where an entity is right with its label, its first and its last word (CoNLL-2003, as seqeval has it). Intervals are over
 * rows, because the words of one text depend on each other.
 */
export const createEntityMetrics = (truth: readonly EntityTruth[]): readonly ScoreMetric[] => [
  createMetric(
    truth,
    { name: "accuracy", words: "word accuracy" },
    ({ words, spans }, predicted) => countWords(words.length)(spans, predicted),
    () => (truth.some(({ words }) => words.length > 0) ? undefined : "no holdout row has a word"),
  ),
  createMetric(
    truth,
    { name: "f1Micro", words: "entity F1" },
    ({ spans }, predicted) => countEntities(spans, predicted),
    () => (truth.some(({ spans }) => spans.length > 0) ? undefined : "no holdout row has an entity"),
  ),
];
