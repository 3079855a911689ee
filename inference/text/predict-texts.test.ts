import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadModel } from "#inference/model/load-model.ts";
import { RowsInvalid } from "#inference/model/rows-invalid.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { tinyTokenizer as tokenizer } from "#test/support/onnx/tiny-tokenizer.ts";
import { tokenSumGraph as sums } from "#test/support/onnx/token-sum-graph.ts";
import { type Graph, int64Type, writeOnnx } from "#test/support/onnx/write-onnx.ts";
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
