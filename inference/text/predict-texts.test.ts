import fc from "fast-check";
import { encode } from "fast-png";
import { describe, expect, test } from "vitest";
import { loadModel } from "#inference/model/load-model.ts";
import { readPredictions } from "#inference/model/read-predictions.ts";
import { RowsInvalid } from "#inference/model/rows-invalid.ts";
import { openSession, type Session } from "#inference/model/session.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { tinyTokenizer as tokenizer } from "#test/support/onnx/tiny-tokenizer.ts";
import { tokenSumGraph as sums } from "#test/support/onnx/token-sum-graph.ts";
import { tokenTableGraph } from "#test/support/onnx/token-table-graph.ts";
import { floatType, type Graph, int64Type, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { batchByLength } from "./batch-by-length.ts";
import { openTokenizer } from "./open-tokenizer.ts";
import { predictTexts } from "./predict-texts.ts";

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
  test("on the left moves no text's places, with a mask too: texts of other lengths change nothing", async () => {
    const places: Graph = {
      ...sums,
      nodes: [
        { op: "Shape", inputs: ["input_ids"], outputs: ["size"] },
        { op: "Gather", inputs: ["size", "axis"], outputs: ["width"] },
        {
          op: "Cast",
          inputs: ["attention_mask"],
          outputs: ["m"],
          attributes: [{ name: "to", int: floatType }],
        },
        { op: "ReduceSum", inputs: ["m", "axis"], outputs: ["length"] },
        { op: "Cast", inputs: ["width"], outputs: ["w"], attributes: [{ name: "to", int: floatType }] },
        { op: "Sub", inputs: ["w", "length"], outputs: ["ids"] },
      ],
      inputs: ["input_ids", "attention_mask"].map((name) => ({ name, type: int64Type, shape: ["N", "S"] })),
      outputs: [{ name: "ids", type: floatType, shape: ["N", 1] }],
    };
    const left = withSettings(padding({ direction: "Left" }));
    // The places of padding before each text.
    expect(await predictIds(places, left, texts)).toEqual([0, 0, 0, 0]);
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

test("a text without a token is refused, because padding alone would be answered", () =>
  expect(
    predictIds(idSums(["N", "S"]), withSettings({ ...padding(), post_processor: null }), ["good", ""]),
  ).rejects.toMatchObject({ problems: [{ row: 1, input: "text", detail: "has no tokens for the model" }] }));

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
        expect(rows.length === 1 || rows.length * tokens <= 512).toBe(true);
      }
    }),
  );
});

test("no other split of texts by length costs less: a run costs as much as 12 tokens, padding as much as text", () => {
  const cost = (batches: readonly { readonly rows: number; readonly tokens: number }[], fixedRows?: number) =>
    batches.reduce((sum, { rows, tokens }) => sum + 12 + (fixedRows ?? rows) * tokens, 0);
  /** Every way to split a list into consecutive parts. */
  const listSplits = (lengths: readonly number[]): readonly (readonly number[])[][] =>
    lengths.length === 0
      ? [[]]
      : lengths.flatMap((_, at) =>
          listSplits(lengths.slice(at + 1)).map((rest) => [lengths.slice(0, at + 1), ...rest]),
        );
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 7 }),
      fc.constantFrom(undefined, 1, 3),
      (lengths, fixedRows) => {
        const costs = listSplits(lengths.toSorted((a, b) => a - b))
          .filter((parts) => parts.every((part) => part.length <= (fixedRows ?? 32)))
          .map((parts) =>
            cost(
              parts.map((part) => ({ rows: part.length, tokens: part.at(-1) ?? 0 })),
              fixedRows,
            ),
          );
        const batches = batchByLength(lengths, fixedRows === undefined ? {} : { fixedRows });
        expect(
          cost(
            batches.map(({ rows, tokens }) => ({ rows: rows.length, tokens })),
            fixedRows,
          ),
        ).toBe(Math.min(...costs));
      },
    ),
    { numRuns: 100 },
  );
});

describe("equal texts of a request", () => {
  /** A session that counts the rows that it runs. */
  const openCounted = async () => {
    const session = await openSession({ bytes: writeOnnx({ graph: sums }) });
    const rows: number[] = [];
    const counted: Session = {
      ...session,
      run: (feeds, outputs) => {
        rows.push(feeds.input_ids?.dims[0] ?? 0);
        return session.run(feeds, outputs);
      },
    };
    const predict = predictTexts(manifest, {
      session: counted,
      tokenizer: openTokenizer(tokenizer, 8),
      images: undefined,
      outputs: ["ids", "tokens"],
      read: readPredictions(manifest, 1),
      maxTokens: 8,
    });
    return { predict, rows, release: () => session.release() };
  };
  const toRows = (texts: readonly string[]) => texts.map((text) => ({ text }));

  test("run once, and each row has its prediction in the request's order", async () => {
    const { predict, rows, release } = await openCounted();
    const texts = ["good", "bad bad", "good", "", "bad bad", "good"];
    expect((await predict(toRows(texts))).map(({ scores }) => scores.ids)).toEqual([6, 11, 6, 3, 11, 6]);
    expect(rows.reduce((sum, each) => sum + each, 0)).toBe(3);
    await release();
  });

  test("each have their own problem where they are refused", async () => {
    const { predict, release } = await openCounted();
    const refused = await predict(toRows(["good", "a".repeat(1_001), "a".repeat(1_001)])).catch(
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({ problems: [{ row: 1 }, { row: 2 }] });
    await release();
  });
});

describe("a pair of texts, and a text beside columns", () => {
  const gates = { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } };
  const text = (name: string) => ({ name, type: "string", maxLength: 1_000 });
  const pairTokenizer = (truncation: unknown) => {
    const content = JSON.parse(tokenizer.toString());
    const { single, special_tokens: special } = content.post_processor;
    const [cls, first, sep] = single;
    const second = { Sequence: { id: "B", type_id: 1 } };
    const end = { SpecialToken: { id: "[SEP]", type_id: 1 } };
    const post_processor = {
      type: "TemplateProcessing",
      single,
      pair: [cls, first, sep, second, end],
      special_tokens: special,
    };
    return Buffer.from(JSON.stringify({ ...content, post_processor, truncation }));
  };
  /** Sums of ids, of the mask and of the type ids; a column is added to the last. */
  const graph = (columns: Graph["inputs"], nodes: Graph["nodes"] = []): Graph => ({
    ...sums,
    inputs: [
      ...(sums.inputs ?? []),
      { name: "token_type_ids", type: int64Type, shape: ["N", "S"] },
      ...(columns ?? []),
    ],
    nodes: [
      ...(sums.nodes ?? []),
      {
        op: "Cast",
        inputs: ["token_type_ids"],
        outputs: ["c"],
        attributes: [{ name: "to", int: floatType }],
      },
      { op: "ReduceSum", inputs: ["c", "axis"], outputs: [nodes.length > 0 ? "types" : "second"] },
      ...nodes,
    ],
    outputs: [...(sums.outputs ?? []), { name: "second", type: floatType, shape: ["N", 1] }],
  });
  const openPair = (truncation: unknown) =>
    loadModel({
      manifest: buildManifest({
        task: "regression",
        inputs: [text("passage"), text("question")],
        output: { names: ["ids", "tokens", "second"] },
        gates,
        tokenizer: { maxTokens: 8, pair: ["question", "passage"] },
      }),
      model: { bytes: writeOnnx({ graph: graph([]) }) },
      tokenizer: pairTokenizer(truncation),
    });

  test("a pair is tokenized in the manifest's order, with the second text's type", async () => {
    const model = await openPair(null);
    const rows = [
      { question: "good", passage: "bad bad" },
      { question: "bad bad bad bad bad", passage: "good" },
      { question: "", passage: "" },
    ];
    // [CLS] 1 … [SEP] 2 … [SEP] 2; good 3, bad 4. The longer text loses tokens.
    expect((await model.predict(rows)).map(({ scores }) => scores)).toEqual([
      { ids: 1 + 3 + 2 + 8 + 2, tokens: 6, second: 3 },
      { ids: 1 + 16 + 2 + 3 + 2, tokens: 8, second: 2 },
      { ids: 5, tokens: 3, second: 1 },
    ]);
    await model.release();
  });

  test("tokenizer.json's strategy says which text of a pair loses tokens", async () => {
    const truncation = { direction: "Right", max_length: 8, strategy: "OnlySecond", stride: 0 };
    const model = await openPair(truncation);
    const [cut] = await model.predict([{ question: "bad bad bad", passage: "good good good good good" }]);
    expect(cut?.scores).toEqual({ ids: 1 + 12 + 2 + 6 + 2, tokens: 8, second: 3 });
    const refused = await model
      .predict([{ question: "bad ".repeat(9), passage: "good" }])
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({
      problems: [{ row: 0, input: "question", detail: expect.stringContaining("cannot be tokenized") }],
    });
    await model.release();
  });

  test("columns stay with their text, though batches are by length", async () => {
    const model = await loadModel({
      manifest: buildManifest({
        task: "regression",
        inputs: [{ name: "price", type: "number", min: 0, max: 1_000, required: false }, text("review")],
        output: { names: ["ids", "tokens", "second"] },
        gates,
        tokenizer: { maxTokens: 8 },
      }),
      model: {
        bytes: writeOnnx({
          graph: graph(
            [{ name: "price", type: floatType, shape: ["N", 1] }],
            [{ op: "Add", inputs: ["types", "price"], outputs: ["second"] }],
          ),
        }),
      },
      tokenizer,
    });
    const rows = Array.from({ length: 100 }, (_, row) => ({
      review: "good ".repeat((row * 7) % 6),
      price: row,
    }));
    const predictions = await model.predict(rows);
    expect(predictions.map(({ scores }) => scores.second)).toEqual(rows.map(({ price }) => price));
    expect(predictions.map(({ scores }) => scores.tokens)).toEqual(rows.map((_, row) => 2 + ((row * 7) % 6)));
    const refused = await model.predict([{ review: "good", price: -1 }]).catch((error: unknown) => error);
    expect(refused).toMatchObject({ problems: [{ row: 0, input: "price" }] });
    await model.release();
  });

  test("a graph and a manifest with other columns do not match", async () => {
    const other = loadModel({
      manifest: buildManifest({
        task: "regression",
        inputs: [text("review"), { name: "cost", type: "number", min: 0, max: 1 }],
        output: { names: ["ids", "tokens", "second"] },
        gates,
        tokenizer: { maxTokens: 8 },
      }),
      model: {
        bytes: writeOnnx({
          graph: graph(
            [{ name: "price", type: floatType, shape: ["N", 1] }],
            [{ op: "Add", inputs: ["types", "price"], outputs: ["second"] }],
          ),
        }),
      },
      tokenizer,
    });
    await expect(other).rejects.toThrow(
      "the graph has no input cost\nthe graph's input price is not in the manifest",
    );
  });
});

const tokenManifest = (changes: Record<string, unknown>) =>
  buildManifest({
    inputs: [{ name: "text", type: "string", maxLength: 1_000 }],
    gates: { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } },
    tokenizer: { maxTokens: 8 },
    ...changes,
  });
const entities = tokenManifest({ task: "entities", output: { labels: ["O", "B-X"], scores: "logits" } });
const embedding = tokenManifest({ task: "embedding", output: { dimensions: 2, pooling: "mean" } });
const predictWith = async (described: typeof manifest, graph: Graph, bytes: Uint8Array, texts: string[]) => {
  const model = await loadModel({
    manifest: described,
    model: { bytes: writeOnnx({ graph }) },
    tokenizer: bytes,
  });
  try {
    return await model.predict(texts.map((text) => ({ text })));
  } finally {
    await model.release();
  }
};

describe("an output per token", () => {
  const table = [
    [5, 0],
    [4, 0],
    [3, 0],
    [1, 2],
    [0.5, 0.25],
  ];
  const texts = ["good", "", "bad good good", "what bad", "good bad good"];
  const fix = ({ inputs = [], outputs = [], ...graph }: Graph): Graph => ({
    ...graph,
    inputs: inputs.map((value) => ({ ...value, shape: [2, 8] })),
    outputs: outputs.map((value) => ({ ...value, shape: [2, 8, 2] })),
  });

  test.each([
    ["entities", entities],
    ["embedding", embedding],
  ])("of a graph with fixed rows and tokens is that of an open graph: %s", async (_, described) => {
    const graph = tokenTableGraph(table, "logits");
    const bytes = withSettings(padding());
    const open = await predictWith(described, graph, bytes, texts);
    expect(await predictWith(described, fix(graph), bytes, texts)).toEqual(open);
    expect(new Set(open.map((prediction) => JSON.stringify(prediction))).size).toBeGreaterThan(2);
  });

  test("can have 16-bit floats", async () => {
    const half = 10;
    const graph = tokenTableGraph(table, "wide");
    const cast: Graph = {
      ...graph,
      nodes: [
        ...(graph.nodes ?? []),
        { op: "Cast", inputs: ["wide"], outputs: ["logits"], attributes: [{ name: "to", int: half }] },
      ],
      outputs: [{ name: "logits", type: half, shape: ["N", "S", 2] }],
    };
    for (const described of [entities, embedding])
      expect(await predictWith(described, cast, tokenizer, texts)).toEqual(
        await predictWith(described, graph, tokenizer, texts),
      );
  });

  test("for a token that the graph's table does not have is the caller's mistake", async () => {
    const graph = tokenTableGraph(table.slice(0, 4), "logits");
    for (const described of [entities, embedding])
      await expect(predictWith(described, graph, tokenizer, ["good", "bad"])).rejects.toMatchObject({
        name: "RowsInvalid",
        problems: [{ row: 1, input: "text", detail: expect.stringContaining("outside the table") }],
      });
  });
});

test("a text of entities that is longer than maxTokens is refused, because its end would have no entities", async () => {
  const model = await loadModel({
    manifest: buildManifest({
      task: "entities",
      inputs: [{ name: "text", type: "string", maxLength: 1_000 }],
      output: { labels: ["O", "B-X"] },
      gates: { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } },
      tokenizer: { maxTokens: 8 },
    }),
    model: { bytes: writeOnnx({ graph: tokenTableGraph(Array(5).fill([0, 1]), "logits") }) },
    tokenizer,
  });
  expect(await model.predict([{ text: "good ".repeat(6) }])).toHaveLength(1);
  for (const words of [7, 190]) {
    const long = await model
      .predict([{ text: "good" }, { text: "good ".repeat(words) }])
      .catch((error: unknown) => error);
    expect(long).toMatchObject({
      problems: [{ row: 1, input: "text", detail: "has more than 8 tokens: send it in parts" }],
    });
  }
  await model.release();
});

/** Adds a table of four positions to the ids, as a transformer does: more tokens do not fit. */
const positions: Graph = {
  nodes: [
    { op: "Cast", inputs: ["input_ids"], outputs: ["a"], attributes: [{ name: "to", int: floatType }] },
    { op: "Shape", inputs: ["input_ids"], outputs: ["shape"] },
    { op: "Gather", inputs: ["shape", "one"], outputs: ["tokens"] },
    { op: "Slice", inputs: ["places", "zero", "tokens", "one"], outputs: ["used"] },
    { op: "Add", inputs: ["a", "used"], outputs: ["b"] },
    { op: "ReduceSum", inputs: ["b", "one"], outputs: ["ids"] },
  ],
  initializers: [
    { name: "zero", dims: [1], int64: [0] },
    { name: "one", dims: [1], int64: [1] },
    { name: "places", type: floatType, dims: [1, 4], float: [0, 0, 0, 0] },
  ],
  inputs: [
    { name: "input_ids", type: int64Type, shape: ["N", "S"] },
    { name: "attention_mask", type: int64Type, shape: ["N", "S"] },
  ],
  outputs: [{ name: "ids", type: floatType, shape: ["N", 1] }],
};

test("a text with more tokens than the graph has positions is the caller's mistake, and others are predicted", async () => {
  const model = await loadModel({
    manifest: { ...manifest, output: { names: ["ids"] } } as typeof manifest,
    model: { bytes: writeOnnx({ graph: positions }) },
    tokenizer,
  });
  const [short, long] = [{ text: "good bad" }, { text: "good bad good" }];
  for (const rows of [[short, long], [long]])
    await expect(model.predict(rows)).rejects.toMatchObject({
      name: "RowsInvalid",
      problems: [
        {
          row: rows.length - 1,
          input: "text",
          detail: "has 5 tokens, and the model runs with at most 4: send a shorter text",
        },
      ],
    });
  expect((await model.predict([short]))[0]?.scores).toEqual({ ids: 1 + 3 + 4 + 2 });
  await model.release();
});

describe("a text beside other inputs", () => {
  const gates = { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } };
  /** The sum of the elements of an input of a graph, per row. */
  const elementSums = (name: string, type: number, shape: readonly (string | number)[]): Graph => ({
    nodes: [
      ...(sums.nodes ?? []),
      { op: "Cast", inputs: [name], outputs: ["c"], attributes: [{ name: "to", int: floatType }] },
      { op: "Flatten", inputs: ["c"], outputs: ["d"] },
      { op: "ReduceSum", inputs: ["d", "axis"], outputs: ["elements"] },
    ],
    initializers: sums.initializers ?? [],
    inputs: [...(sums.inputs ?? []), { name, type, shape: ["N", ...shape] }],
    outputs: [...(sums.outputs ?? []), { name: "elements", type: floatType, shape: ["N", 1] }],
  });
  const openBeside = (input: object, graph: Graph) =>
    loadModel({
      manifest: buildManifest({
        task: "regression",
        inputs: [{ name: "text", type: "string", maxLength: 1_000 }, input],
        output: { names: ["tokens", "elements"] },
        gates,
        tokenizer: { maxTokens: 8 },
      }),
      model: { bytes: writeOnnx({ graph }) },
      tokenizer,
    });
  const texts = ["good", "bad bad bad", "", "what"];

  test("gets the values of its own row, though texts run in the order of their lengths", async () => {
    const input = { name: "window", type: "tensor", element: "float32", shape: [2, 2] };
    const model = await openBeside(input, elementSums("window", floatType, [2, 2]));
    const predictions = await model.predict(
      texts.map((text, row) => ({
        text,
        window: [
          [row, 10],
          [100, 0.5],
        ],
      })),
    );
    expect(predictions.map(({ scores }) => scores)).toEqual(
      [3, 5, 2, 3].map((tokens, row) => ({ tokens, elements: row + 110.5 })),
    );
    await model.release();
  });

  test("gets the pixels of its own row's image, and names the row of a broken one", async () => {
    const input = {
      name: "photo",
      type: "image",
      width: 2,
      height: 1,
      channels: "L",
      scale: 1,
      resize: "none",
      layout: "NCHW",
    };
    const model = await openBeside(input, elementSums("photo", floatType, [1, 1, 2]));
    const encodeImage = (...pixels: number[]) =>
      Buffer.from(encode({ width: 2, height: 1, channels: 1, data: Uint8Array.from(pixels) })).toString(
        "base64",
      );
    const rows = texts.map((text, row) => ({ text, photo: encodeImage(row, 200) }));
    expect((await model.predict(rows)).map(({ scores }) => scores)).toEqual(
      [3, 5, 2, 3].map((tokens, row) => ({ tokens, elements: row + 200 })),
    );
    const cut = Buffer.from(encodeImage(1, 2), "base64").subarray(0, -20).toString("base64");
    await expect(model.predict([...rows.slice(0, 3), { text: "bad", photo: cut }])).rejects.toMatchObject({
      problems: [{ row: 3, input: "photo" }],
    });
    await model.release();
  });
});
