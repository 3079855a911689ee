import { listEntitySpans } from "#domain/gates/list-entity-spans.ts";
import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { splitWords } from "#model-folder/rows/split-words.ts";
import type { InferredTokenLabels } from "./infer-token-output.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import type { ScoredGuess } from "./scored-guess.ts";
import type { InferredTask } from "./task-evidence.ts";

type Scheme = Extract<Manifest, { task: "entities" }>["output"]["scheme"];
type LabelEvidence = {
  readonly texts: readonly string[];
  /** For each row the tags of its words, as the table has them. */
  readonly cells: readonly string[];
  /** For each row the entities of a model whose labels are 0, 1, 2, … without prefixes. */
  readonly predictions: readonly Prediction[];
};

const maxNames = 30;

const findScheme = (tags: readonly string[]): Scheme => {
  if (tags.some((tag) => /^[ESLU]-./.test(tag)) && tags.some((tag) => /^[BI]-./.test(tag))) return "BIOES";
  return tags.some((tag) => /^[BI]-./.test(tag)) ? "BIO" : "none";
};

/** All tags that the table's tags imply: each entity has a tag that starts it and one that continues it. */
const completeTags = (tags: readonly string[], scheme: Scheme): readonly string[] => {
  if (scheme === "none") return tags;
  const prefixes = scheme === "BIO" ? ["B-", "I-"] : ["B-", "I-", "E-", "S-"];
  const kinds = new Set(tags.filter((tag) => /^[A-Z]-/.test(tag)).map((tag) => tag.slice(2)));
  return [
    ...tags.filter((tag) => !/^[A-Z]-/.test(tag)),
    ...[...kinds].flatMap((kind) => prefixes.map((prefix) => `${prefix}${kind}`)),
  ];
};

const hasPrefix = (tag: string): boolean => /^[A-Z]-/.test(tag);
const prefixOrder = "BIELSU";

/** The orders that exporters use: O first and each entity's tags together, in the table's order or sorted; or all sorted. */
const listOrders = (tags: readonly string[]): ReadonlyMap<string, readonly string[]> => {
  const outside = tags.filter((tag) => !hasPrefix(tag)).toSorted();
  const kinds = [...new Set(tags.filter(hasPrefix).map((tag) => tag.slice(2)))];
  const join = (order: readonly string[]): readonly string[] => [
    ...outside,
    ...order.flatMap((kind) =>
      tags
        .filter((tag) => hasPrefix(tag) && tag.slice(2) === kind)
        .toSorted((one, other) => prefixOrder.indexOf(one.charAt(0)) - prefixOrder.indexOf(other.charAt(0))),
    ),
  ];
  return new Map([
    ["O first, then entity by entity in the table's order", join(kinds)],
    ["O first, then entity by entity, sorted", join(kinds.toSorted())],
    ["sorted", tags.toSorted()],
  ]);
};

/** The order in which each label has the tag that its words have most often; tags that are left fill the gaps. */
const findBestOrder = (
  all: readonly string[],
  indexes: readonly number[],
  tags: readonly string[],
): readonly string[] => {
  const counts = Map.groupBy(indexes.keys(), (at) => `${indexes[at]}\0${tags[at]}`);
  const order = new Array<string | undefined>(all.length).fill(undefined);
  for (const [pair] of [...counts].toSorted(([, one], [, other]) => other.length - one.length)) {
    const [index = "", tag = ""] = pair.split("\0");
    const place = Number(index);
    if (place >= 0 && order[place] === undefined && !order.includes(tag)) order[place] = tag;
  }
  const left = all.filter((tag) => !order.includes(tag));
  return order.map((tag) => tag ?? left.shift() ?? "");
};

/** For each word the index of its label. */
const readIndexes = ({ texts, predictions }: LabelEvidence): number[] =>
  texts.flatMap((text, row) => {
    const words = splitWords(text);
    const indexes = new Array<number>(words.length).fill(-1);
    for (const { label, first, last } of listEntitySpans(words, predictions[row]?.entities ?? []))
      for (let at = first; at <= last; at++) indexes[at] = Number(label);
    return indexes;
  });

const measureAgreement = (order: readonly string[], indexes: readonly number[], tags: readonly string[]) =>
  indexes.filter((index, at) => order[index] === tags[at]).length / Math.max(1, tags.length);

const formatShare = (share: number): string => share.toFixed(3);

/** The manifest's output of a model whose labels have no names yet. */
export const numberLabels = (
  width: number,
): Pick<Extract<Manifest, { task: "entities" }>["output"], "labels" | "scheme" | "outside"> => ({
  labels: Array.from({ length: width }, (_, index) => String(index)),
  scheme: "none",
  outside: "none of them",
});

/**
 * The names of the graph's labels: the caller's, otherwise the table's tags in one of the orders that exporters use, the one
 * that agrees best with the rows. No ONNX file names them, so the guess says how well each order fits, and how well the best
 * of all orders would: a model whose best order fits badly looks bad.
 * @param given `--labels`
 */
export const inferEntityLabels = (
  { task, width, graphOutput, scores }: InferredTokenLabels,
  evidence: LabelEvidence,
  given: readonly string[] | undefined,
): InferredTask => {
  const tags = evidence.cells.flatMap((cell) => splitWords(cell).map(({ text }) => text));
  const known = [...new Set(tags)];
  const scheme = findScheme(given ?? known);
  const describe = (labels: readonly string[], scoredGuesses: readonly ScoredGuess[]): InferredTask => ({
    task,
    output: { ...(graphOutput === undefined ? {} : { graphOutput }), labels, scheme, scores },
    truth: [
      evidence.cells.map((cell) =>
        splitWords(cell)
          .map(({ text }) => text)
          .join(" "),
      ),
    ],
    guesses: [],
    scoredGuesses,
  });
  if (given) {
    const unknown = known.filter((tag) => !given.includes(tag));
    if (given.length !== width || unknown.length > 0)
      throw new NewModelRefused(
        given.length !== width
          ? `the graph scores ${width} labels for each token, --labels has ${given.length}`
          : `the target has tags that --labels does not have: ${unknown.slice(0, maxNames).join(", ")}`,
        "Write all labels in the order of id2label in the model's config.json.",
      );
    return describe(given, []);
  }
  const complete = known.length === width ? known : completeTags(known, scheme);
  if (complete.length !== width)
    throw new NewModelRefused(
      `the graph scores ${width} labels for each token and does not name them; the target has ${known.length} (${known.slice(0, maxNames).join(", ")})`,
      "Write all labels in the order of id2label in the model's config.json: --labels O,B-PER,I-PER,….",
    );
  const indexes = readIndexes(evidence);
  const orders = [...listOrders(complete)].map(([words, order]) => ({
    words,
    order,
    share: measureAgreement(order, indexes, tags),
  }));
  const [best, ...others] = orders.toSorted((one, other) => other.share - one.share);
  if (!best) throw new TypeError("there is no order of labels");
  const different = others.filter(({ order }) => order.join("\0") !== best.order.join("\0"));
  const fitting = findBestOrder(complete, indexes, tags);
  const fittingShare = measureAgreement(fitting, indexes, tags);
  const isDoubtful = fittingShare > best.share;
  return describe(best.order, [
    {
      subject: "labels",
      choice: `${best.order.join(", ")} (${best.words}), because the graph does not name them: word accuracy ${formatShare(best.share)}`,
      alternative: [
        ...different.map(({ words, share }) => `${words} it would be ${formatShare(share)}`),
        ...(isDoubtful
          ? [
              `these rows fit another order better (word accuracy ${formatShare(fittingShare)}): ${fitting.join(",")}`,
            ]
          : []),
        `the right order is that of id2label in the model's config.json: --labels ${best.order[0]},…`,
      ].join("; "),
      isDoubtful,
    },
  ]);
};
