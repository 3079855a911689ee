import { expect, test } from "vitest";
import { readChurnManifest } from "#test/support/onnx/churn-folder.ts";
import { Manifest } from "./manifest.ts";

const text = (name: string, changes = {}) => ({ name, type: "string", maxLength: 100, ...changes });
const price = { name: "price", type: "number", min: 0, max: 1 };
const gates = { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } };
const parse = (changes: Record<string, unknown>): readonly string[] => {
  const result = Manifest.safeParse({
    ...readChurnManifest(),
    task: "regression",
    output: { name: "y" },
    gates,
    ...changes,
  });
  return result.success
    ? []
    : result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
};
const tokenizer = { maxTokens: 8 };

test.each([
  ["one text", [text("a")], tokenizer],
  ["a text beside columns", [price, text("a")], tokenizer],
  ["a text beside an integer as text", [text("a"), text("b", { format: "int64" })], tokenizer],
  ["one of several texts", [text("a"), text("b", { required: false })], { ...tokenizer, text: "a" }],
  ["a pair", [text("a"), text("b")], { ...tokenizer, pair: ["b", "a"] }],
  ["a pair beside a column", [text("a"), price, text("b")], { ...tokenizer, pair: ["a", "b"] }],
])("a tokenizer takes %s", (_, inputs, described) => {
  expect(parse({ inputs, tokenizer: described })).toEqual([]);
});

test.each([
  ["no text", [price], tokenizer, "tokenizer: a model with a tokenizer takes a text"],
  ["two texts", [text("a"), text("b")], tokenizer, "tokenizer: several inputs are of type string"],
  [
    "an integer as text",
    [text("a", { format: "int64" })],
    tokenizer,
    "a model with a tokenizer takes a text",
  ],
  [
    "a pair with an integer as text",
    [text("a"), text("b", { format: "int64" })],
    { ...tokenizer, pair: ["a", "b"] },
    "tokenizer.pair.1: b is a text for the tokenizer",
  ],
  ["an optional text", [text("a", { required: false })], tokenizer, "must be of type string and required"],
  [
    "a text that is no input",
    [text("a")],
    { ...tokenizer, text: "b" },
    "tokenizer.text: b is not one of the inputs",
  ],
  [
    "a pair with a number",
    [text("a"), price],
    { ...tokenizer, pair: ["a", "price"] },
    "tokenizer.pair.1: price is a text",
  ],
  [
    "a pair of one input",
    [text("a")],
    { ...tokenizer, pair: ["a", "a"] },
    "both texts of the pair are the same",
  ],
  [
    "text and pair",
    [text("a"), text("b")],
    { ...tokenizer, text: "a", pair: ["a", "b"] },
    "write text or pair, not both",
  ],
])("a tokenizer does not take %s", (_, inputs, described, problem) => {
  expect(parse({ inputs, tokenizer: described }).join("\n")).toContain(problem);
});

test.each([
  ["without a tokenizer", { output: { labels: ["O", "B-X"] } }, "task: entities are labels of tokens"],
  [
    "of a pair",
    {
      output: { labels: ["O", "B-X"] },
      inputs: [text("a"), text("b")],
      tokenizer: { ...tokenizer, pair: ["a", "b"] },
    },
    "entities are parts of one text",
  ],
  [
    "without prefixes",
    { output: { labels: ["O", "X"] }, inputs: [text("a")], tokenizer },
    "write scheme: none",
  ],
  [
    "with E-",
    { output: { labels: ["O", "B-X", "E-X"] }, inputs: [text("a")], tokenizer },
    "write scheme: BIOES",
  ],
  [
    "with a label twice",
    { output: { labels: ["O", "B-X", "O"] }, inputs: [text("a")], tokenizer },
    "listed twice",
  ],
])("entities %s are refused", (_, changes, problem) => {
  expect(parse({ task: "entities", ...changes }).join("\n")).toContain(problem);
});

test("an embedding is pooled of a text's tokens alone, and has no gate on a score", () => {
  const embedding = { task: "embedding", inputs: [price], output: { dimensions: 3, pooling: "mean" } };
  expect(parse(embedding)).toEqual([
    "output.pooling: pooling joins the vectors of tokens, and the manifest names no tokenizer",
  ]);
  expect(parse({ ...embedding, output: { dimensions: 3 } })).toEqual([]);
  const gated = { ...gates, accuracy: { min: 0.5 } };
  expect(parse({ ...embedding, output: { dimensions: 3 }, gates: gated }).join()).toContain(
    "embedding has none",
  );
});
