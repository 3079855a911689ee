import { expect, test } from "vitest";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { EntitiesOutput } from "#model-folder/manifest/task-outputs.ts";
import { OutputNotFinite } from "./output-not-finite.ts";
import { readEntities } from "./read-entities.ts";

type Token = readonly [label: string, start: number, end: number];
const special: Token = ["O", 0, 0];

/** A run of one text; its tokens have these labels, with the probability 0.75 for each of them. */
const read = (
  text: string,
  tokens: readonly Token[],
  output: Record<string, unknown>,
  { width = tokens.length, start = 0, probability = 0.75 } = {},
) => {
  const described: Extract<Manifest, { task: "entities" }>["output"] = EntitiesOutput.parse(output);
  const { labels } = described;
  const data = new Float32Array(width * labels.length).fill((1 - probability) / (labels.length - 1));
  for (const [at, [label]] of tokens.entries())
    data[(start + at) * labels.length + labels.indexOf(label)] = probability;
  const encoding = {
    ids: new Uint32Array(tokens.length),
    typeIds: new Uint32Array(tokens.length),
    attentionMask: new Uint32Array(tokens.length).fill(1),
    cutEncodings: 0,
    offsets: Uint32Array.from(tokens.flatMap(([, from, to]) => [from, to])),
    specialTokensMask: Uint32Array.from(tokens, (token) => (token === special ? 1 : 0)),
    sequenceIds: new Uint32Array(tokens.length),
  };
  const [prediction] = readEntities(described)([data], 1, { width, rows: [{ text, encoding, start }] });
  return (prediction?.entities ?? []).map((each) => `${each.label}:${each.text}@${each.start}-${each.end}`);
};

const bio = { labels: ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"] };

test("neighbours with one label are one entity, and B- starts another", () => {
  const text = "Ann Lee Bo in Rome";
  const tokens: Token[] = [
    special,
    ["B-PER", 0, 3],
    ["I-PER", 4, 7],
    ["B-PER", 8, 10],
    ["O", 11, 13],
    ["I-LOC", 14, 16],
    ["I-LOC", 16, 18],
    special,
  ];
  expect(read(text, tokens, bio)).toEqual(["PER:Ann Lee@0-7", "PER:Bo@8-10", "LOC:Rome@14-18"]);
  // Padding on the left, and a graph that takes more tokens.
  expect(read(text, tokens, bio, { width: 12, start: 4 })).toEqual(read(text, tokens, bio));
});

test("places are in UTF-16 code units, though tokens count characters", () => {
  // 🎬 and 𝒜 are one character and two code units each.
  const text = "🎬🎬 Ann 𝒜b";
  const tokens: Token[] = [
    ["O", 0, 2],
    ["B-PER", 3, 6],
    ["B-LOC", 7, 9],
  ];
  expect(read(text, tokens, bio)).toEqual(["PER:Ann@5-8", "LOC:𝒜b@9-12"]);
});

test("BIOES ends an entity at E- and S-; without a scheme a label has no prefix", () => {
  const text = "a b c d e";
  const places = [0, 2, 4, 6, 8].map((start) => [start, start + 1] as const);
  const tag = (labels: readonly string[]) =>
    places.map(([start, end], at): Token => [labels[at] ?? "O", start, end]);
  const bioes = { labels: ["O", "B-X", "I-X", "E-X", "S-X"], scheme: "BIOES" };
  expect(read(text, tag(["S-X", "S-X", "B-X", "E-X", "I-X"]), bioes)).toEqual([
    "X:a@0-1",
    "X:b@2-3",
    "X:c d@4-7",
    "X:e@8-9",
  ]);
  const plain = { labels: ["none", "X", "B-Y"], scheme: "none", outside: "none" };
  expect(read(text, tag(["X", "X", "none", "B-Y", "B-Y"]), plain)).toEqual(["X:a b@0-3", "B-Y:d e@6-9"]);
});

test("scores outside of 0 and 1 are no probabilities", () => {
  expect(() => read("a", [["B-PER", 0, 1]], bio, { probability: 2 })).toThrow(OutputNotFinite);
  expect(() => read("a", [["B-PER", 0, 1]], bio, { probability: 2 })).toThrow("write scores: logits");
  expect(read("a", [["B-PER", 0, 1]], { ...bio, scores: "logits" }, { probability: 2 })).toEqual([
    "PER:a@0-1",
  ]);
});
