import type { TokenBatch } from "#inference/text/token-batch.ts";
import type { EncodingWithOffsets } from "#inference/text/tokenizer-engine.ts";
import type { Entity, Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { readTag, type TagScheme } from "#model-folder/manifest/read-tag.ts";
import { assertFinite, type Numbers } from "./assert-finite.ts";
import { OutputNotFinite } from "./output-not-finite.ts";

type EntitiesOutput = Extract<Manifest, { task: "entities" }>["output"];
/** A token's most likely label, its probability and its place in the text, in characters. */
type LabelledToken = {
  readonly label: string;
  readonly score: number;
  readonly start: number;
  readonly end: number;
};
type Group = { readonly label: string; readonly tokens: LabelledToken[]; isOpen: boolean };

/** A float32 of a softmax can lie this far outside of 0 and 1. */
const roundingError = 1e-5;

/** The most likely label of a token, the first of equal ones, with its probability. */
const findBest = (scores: Numbers, isLogits: boolean): { readonly index: number; readonly score: number } => {
  let index = 0;
  for (let at = 1; at < scores.length; at++) if ((scores[at] ?? 0) > (scores[index] ?? 0)) index = at;
  const best = scores[index] ?? 0;
  if (isLogits) {
    let sum = 0;
    for (const score of scores) sum += Math.exp(score - best);
    return { index, score: 1 / sum };
  }
  if (scores.some((score) => score < -roundingError || score > 1 + roundingError))
    throw new OutputNotFinite(
      "the model returned a token's score outside of 0 and 1, but the manifest says that scores are probabilities: write scores: logits",
    );
  return { index, score: Math.min(1, Math.max(0, best)) };
};

const groupTokens = (tokens: readonly LabelledToken[], scheme: TagScheme): Group[] => {
  const groups: Group[] = [];
  for (const token of tokens) {
    const { label, starts, ends } = readTag(token.label, scheme);
    const last = groups.at(-1);
    if (last?.isOpen && last.label === label && !starts) {
      last.tokens.push(token);
      last.isOpen = !ends;
    } else groups.push({ label, tokens: [token], isOpen: !ends });
  }
  return groups;
};

/** For each character (code point) of the text its place in UTF-16 code units, and the text's length at the end. */
const listCodeUnits = (text: string): readonly number[] => {
  const places: number[] = [];
  let place = 0;
  for (const character of text) {
    places.push(place);
    place += character.length;
  }
  return [...places, place];
};

const toEntities = (groups: readonly Group[], text: string, outside: string): Entity[] => {
  const places = listCodeUnits(text);
  return groups
    .filter(({ label }) => label !== outside)
    .map(({ label, tokens }): Entity => {
      const start = places[tokens[0]?.start ?? 0] ?? 0;
      const end = places[tokens.at(-1)?.end ?? 0] ?? text.length;
      const score = tokens.reduce((sum, token) => sum + token.score, 0) / tokens.length;
      return { label, score, text: text.slice(start, end), start, end };
    });
};

const hasOffsets = (encoding: object): encoding is EncodingWithOffsets => "offsets" in encoding;

/**
 * Reads the entities of each text. Each token that is not special gets its most likely label. Neighbouring tokens with one
 * label are one entity; B- always starts a new one (BIOES: S- too, and after E- or S- the next token starts one); tokens
 * outside of entities are left out. An entity's score is the mean probability of its tokens. That is the rule of
 * transformers' token-classification pipeline with aggregation_strategy="simple"; places are in UTF-16 code units here.
 */
export const readEntities = ({ labels, scores, scheme, outside }: EntitiesOutput) => {
  const width = labels.length;
  return ([data]: readonly unknown[], rows: number, tokens?: TokenBatch): Prediction[] => {
    if (!tokens) throw new TypeError("entities need the tokens of the rows");
    const numbers = assertFinite(data, rows * tokens.width * width);
    return tokens.rows.map(({ text, encoding, start }, row) => {
      if (!hasOffsets(encoding)) throw new TypeError("entities need the places of tokens");
      const { offsets, specialTokensMask, ids } = encoding;
      const labelled = Array.from(ids, (_, token): LabelledToken | undefined => {
        if (specialTokensMask[token] === 1) return undefined;
        const from = (row * tokens.width + start + token) * width;
        const { index, score } = findBest(numbers.subarray(from, from + width), scores === "logits");
        return {
          label: labels[index] ?? "",
          score,
          start: offsets[2 * token] ?? 0,
          end: offsets[2 * token + 1] ?? 0,
        };
      }).filter((token) => token !== undefined);
      return { scores: {}, entities: toEntities(groupTokens(labelled, scheme), text, outside) };
    });
  };
};
