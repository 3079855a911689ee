import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadModel } from "#inference/model/load-model.ts";
import { RowsInvalid } from "#inference/model/rows-invalid.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { tinyTokenizer as tokenizer } from "#test/support/onnx/tiny-tokenizer.ts";
import { tokenSumGraph as sums } from "#test/support/onnx/token-sum-graph.ts";
import { floatType, type Graph, int64Type, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { batchByLength } from "./batch-by-length.ts";
import { openTokenizer } from "./open-tokenizer.ts";

const manifest = buildManifest({
  task: "regression",
  inputs: [{ name: "text", type: "string", maxLength: 1_000 }],
  output: { names: ["ids", "tokens"] },
  gates: { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } },
  tokenizer: { maxTokens: 8 },
});
const open = (graph: Graph, bytes: Uint8Array | undefined = tokenizer) =>
  loadModel({ manifest, model: { bytes: writeOnnx({ graph }) }, tokenizer: bytes });

describe("a text model", () => {
  test("predicts texts of any length in the request's order, with masked padding", async () => {
    const model = await open(sums);
    const texts = ["good", "bad bad bad", "", "what", "Good BAD good"];
    expect((await model.predict(texts.map((text) => ({ text })))).map(({ scores }) => scores)).toEqual([
      { ids: 6, tokens: 3 },
      { ids: 15, tokens: 5 },
      { ids: 3, tokens: 2 },
      { ids: 3, tokens: 3 },
      { ids: 13, tokens: 5 },
    ]);
    await model.release();
  });

  test("truncates a long text and keeps the special tokens around it", async () => {
    const model = await open(sums);
    const [long] = await model.predict([{ text: "good ".repeat(100) }]);
    expect(long?.scores).toEqual({ ids: 1 + 6 * 3 + 2, tokens: 8 });
    await model.release();
  });

  test.each([
    ["no text", {}, "is required"],
    ["a number", { text: 1 }, "must be a string"],
    ["too much text", { text: "a".repeat(1_001) }, "must have at most 1000 characters"],
    ["half a surrogate pair", { text: "\udfff" }, "contains half of a surrogate pair"],
  ])("refuses %s", async (_, row, detail) => {
    const model = await open(sums);
    const refused = await model.predict([row]).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(RowsInvalid);
    expect(refused).toMatchObject({ problems: [{ row: 0, input: "text", detail }] });
    await model.release();
  });

  test("with another graph, or without a readable tokenizer, is ModelUnreadable", async () => {
    const renamed = { ...sums, inputs: [{ name: "x", type: int64Type, shape: ["N", "S"] }] };
    await expect(open({ ...renamed, nodes: [], outputs: sums.outputs ?? [] })).rejects.toBeInstanceOf(
      ModelUnreadable,
    );
    await expect(open(sums, Buffer.from("{}"))).rejects.toThrow(/not a Hugging Face tokenizer.json/);
    await expect(open(sums, Buffer.from("\xff"))).rejects.toThrow(/not a Hugging Face tokenizer.json/);
  });
});

/** The sum of a text's ids, padding included: the graph has no mask. */
const idSums = (shape: readonly (string | number)[]): Graph => ({
  ...sums,
  nodes: [
    { op: "Cast", inputs: ["input_ids"], outputs: ["a"], attributes: [{ name: "to", int: floatType }] },
    { op: "ReduceSum", inputs: ["a", "axis"], outputs: ["ids"] },
  ],
  inputs: [{ name: "input_ids", type: int64Type, shape: [...shape] }],
  outputs: [{ name: "ids", type: floatType, shape: ["N", 1] }],
});
/** The sum of ids times their places, counted from 0: it shows on which side padding is. */
const placeSums: Graph = {
  ...idSums(["N", 6]),
  nodes: [
    { op: "Cast", inputs: ["input_ids"], outputs: ["a"], attributes: [{ name: "to", int: floatType }] },
    { op: "Mul", inputs: ["a", "places"], outputs: ["b"] },
    { op: "ReduceSum", inputs: ["b", "axis"], outputs: ["ids"] },
  ],
  initializers: [
    { name: "axis", dims: [1], int64: [1] },
    { name: "places", type: floatType, dims: [6], float: [0, 1, 2, 3, 4, 5] },
  ],
};
const withSettings = (settings: object): Buffer =>
  Buffer.from(JSON.stringify({ ...JSON.parse(tokenizer.toString("utf8")), ...settings }));
const padding = (settings: object = {}) => ({
  padding: {
    strategy: "BatchLongest",
    direction: "Right",
    pad_to_multiple_of: null,
    pad_id: 4,
    pad_type_id: 0,
    pad_token: "bad",
    ...settings,
  },
});
const predictIds = async (graph: Graph, bytes: Uint8Array, texts: readonly string[]) => {
  const model = await loadModel({
    manifest: { ...manifest, output: { names: ["ids"] } } as typeof manifest,
    model: { bytes: writeOnnx({ graph }) },
    tokenizer: bytes,
  });
  const predictions = await model.predict(texts.map((text) => ({ text })));
  await model.release();
  return predictions.map(({ scores }) => scores.ids);
};

describe("padding", () => {
  const texts = ["good", "", "good good good", "good"];
  test("without a mask, texts of other lengths in a request change nothing", async () => {
    expect(await predictIds(idSums(["N", "S"]), withSettings(padding()), texts)).toEqual([6, 3, 12, 6]);
  });
  test("goes to the graph's fixed number of tokens, with the tokenizer's token", async () => {
    expect(await predictIds(idSums(["N", 6]), withSettings(padding()), texts)).toEqual([
      6 + 3 * 4,
      3 + 4 * 4,
      12 + 4,
      6 + 3 * 4,
    ]);
  });
  test("a graph with a fixed number of tokens cuts longer texts there", async () => {
    const [long] = await predictIds(idSums(["N", 6]), withSettings(padding()), ["good ".repeat(20)]);
    expect(long).toBe(1 + 4 * 3 + 2);
  });
  test("a graph with a fixed number of rows gets that many, and answers each text once", async () => {
    expect(await predictIds(idSums([3, 6]), withSettings(padding()), texts)).toEqual([18, 19, 16, 18]);
  });
  test("goes to the tokenizer's fixed length, or to a multiple", async () => {
    const fixed = withSettings(padding({ strategy: { Fixed: 7 } }));
    expect(await predictIds(idSums(["N", "S"]), fixed, ["good"])).toEqual([6 + 4 * 4]);
    const multiple = withSettings(padding({ pad_to_multiple_of: 4 }));
    expect(await predictIds(idSums(["N", "S"]), multiple, ["good", "good good good"])).toEqual([
      6 + 4,
      12 + 12,
    ]);
  });
  test("is on the tokenizer's side", async () => {
    // [CLS] good [SEP] is 1 3 2; padding is 4.
    expect(await predictIds(placeSums, withSettings(padding()), ["good"])).toEqual([
      3 + 2 * 2 + 4 * (3 + 4 + 5),
    ]);
    expect(await predictIds(placeSums, withSettings(padding({ direction: "Left" })), ["good"])).toEqual([
      4 * (0 + 1 + 2) + 3 + 3 * 4 + 2 * 5,
    ]);
  });
  test("is refused where no token is known for it and the graph has no mask", async () => {
    await expect(predictIds(idSums(["N", 6]), tokenizer, texts)).rejects.toThrow(/enable_padding/);
  });
});

test("truncation takes tokens from the tokenizer's side", () => {
  const left = withSettings({
    truncation: { direction: "Left", max_length: 99, strategy: "LongestFirst", stride: 0 },
  });
  const text = `bad ${"good ".repeat(9)}`;
  expect([...openTokenizer(tokenizer, 8).encode(text).ids]).toEqual([1, 4, 3, 3, 3, 3, 3, 2]);
  expect([...openTokenizer(left, 8).encode(text).ids]).toEqual([1, 3, 3, 3, 3, 3, 3, 2]);
  expect([...openTokenizer(left, 8).encode(`${text} bad`).ids]).toEqual([1, 3, 3, 3, 3, 3, 4, 2]);
});

test("token_type_ids are the tokenizer's", () => {
  const template = JSON.parse(tokenizer.toString("utf8")).post_processor;
  const typed = withSettings({
    post_processor: {
      ...template,
      single: [...template.single, { SpecialToken: { id: "[SEP]", type_id: 2 } }],
    },
  });
  expect([...openTokenizer(typed, 8).encode("good").typeIds]).toEqual([0, 0, 0, 2]);
});

test("a text without a token for its words is the caller's mistake", async () => {
  const { model: words } = JSON.parse(tokenizer.toString("utf8"));
  const model = await open(sums, withSettings({ model: { ...words, unk_token: "[NONE]" } }));
  const refused = await model.predict([{ text: "good" }, { text: "what" }]).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(RowsInvalid);
  expect(refused).toMatchObject({
    problems: [
      { row: 1, input: "text", detail: expect.stringMatching(/cannot be tokenized: .*\[NONE\]|UNK/) },
    ],
  });
  await model.release();
});

test("any text is tokenized to at most maxTokens", () => {
  const { encode } = openTokenizer(tokenizer, 8);
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
      const { ids } = encode(text);
      expect(ids.length).toBeLessThanOrEqual(8);
      expect(ids[0]).toBe(1);
      expect(ids.at(-1)).toBe(2);
    }),
  );
});

test("every text is in one batch, no longer than the batch, and batches have few cells", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 512 }), { maxLength: 300 }), (lengths) => {
      const batches = batchByLength(lengths);
      expect(batches.flatMap(({ rows }) => rows).sort((a, b) => a - b)).toEqual([...lengths.keys()]);
      for (const { rows, tokens } of batches) {
        expect(tokens).toBe(Math.max(...rows.map((row) => lengths[row] ?? 0)));
        expect(rows.length === 1 || rows.length * tokens <= 4_096).toBe(true);
      }
    }),
  );
});
