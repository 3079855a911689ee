import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkModel } from "#model-check/check-model.ts";
import { Golden, type Manifest } from "#model-folder/manifest/manifest.ts";
import { tinyTokenizer } from "#test/support/onnx/tiny-tokenizer.ts";
import { tokenSumGraph } from "#test/support/onnx/token-sum-graph.ts";
import { floatType, type Graph, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { draftModelFolder } from "./draft-model-folder.ts";
import { explainDifferences } from "./explain-differences.ts";
import type { ModelSource } from "./model-source.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const json = (value: unknown) => ({ name: "python.json", bytes: encode(JSON.stringify(value)) });
const csvFile = (text: string) => ({ name: "python.csv", bytes: encode(text) });

const draft = (source: Pick<ModelSource, "onnx" | "csv" | "targets"> & Partial<ModelSource>) =>
  draftModelFolder({
    name: "mine",
    csvName: "data.csv",
    tokenizer: undefined,
    ignored: [],
    owner: undefined,
    approvers: [],
    policyApprovers: ["U024BE7LH"],
    ...source,
  });
const readGolden = ({ files }: { files: ReadonlyMap<string, Uint8Array> }) =>
  Golden.parse(JSON.parse(new TextDecoder().decode(files.get("golden.json"))));

/** Returns its inputs a, b and c as the scores of three labels. */
const scoresGraph: Graph = {
  nodes: [
    {
      op: "Concat",
      inputs: ["a", "b", "c"],
      outputs: ["probabilities"],
      attributes: [{ name: "axis", int: 1 }],
    },
  ],
  inputs: ["a", "b", "c"].map((name) => ({ name, type: floatType, shape: ["N", 1] })),
  outputs: [{ name: "probabilities", type: floatType, shape: ["N", 3] }],
};
const rows = Array.from({ length: 60 }, (_, at) => {
  const scores = [0.2, 0.2, 0.2];
  scores[at % 3] = 0.6 - (at % 5) / 50;
  scores[(at + 1) % 3] = 0.2 + (at % 5) / 50;
  return { scores, label: ["low", "mid", "top"][at % 3] ?? "" };
});
const table = (header: string, cells: (row: (typeof rows)[number]) => string) =>
  encode(
    `a,b,c,truth${header}\n${rows.map((row) => `${row.scores.join(",")},${row.label}${cells(row)}\n`).join("")}`,
  );
const classify = (predicted: ModelSource["predicted"], csv = table("", () => "")) =>
  draft({ onnx: writeOnnx({ graph: scoresGraph }), csv, targets: ["truth"], predicted });
const named = ({ scores: [low, mid, top] }: (typeof rows)[number]) => ({ low, mid, top });

describe("predictions of a classification", () => {
  test.each([
    ["a list of labels and scores", json(rows.map((row) => ({ label: row.label, scores: named(row) })))],
    ["a list of labels", json(rows.map(({ label }) => label))],
    ["a list of rows of predict_proba", json(rows.map(({ scores }) => scores))],
    [
      "a CSV of scores",
      csvFile(`low,mid,top\n${rows.map(({ scores }) => `${scores.join(",")}\n`).join("")}`),
    ],
    [
      "a CSV of a label and prefixed scores",
      csvFile(
        `label,proba_top,proba_low,proba_mid\n${rows.map(({ label, scores: [low, mid, top] }) => `${label},${top},${low},${mid}\n`).join("")}`,
      ),
    ],
    ["the first rows", json(rows.slice(0, 25).map((row) => ({ scores: named(row) })))],
  ])("%s: equal ones become the golden vectors", async (_, predicted) => {
    const made = await classify(predicted);
    expect(made.agreement).toMatch(/Python's predictions .* agree on all (25|60) compared rows/);
    const problems = await checkModel({ model: "mine", files: made.files });
    // Sixty rows are too few for a score of three labels.
    expect(problems.filter(({ message }) => !message.startsWith("too few rows of a label"))).toEqual([]);
  });

  test("Python's own numbers are kept, not the runtime's", async () => {
    const given = rows.map((row) => ({
      scores: { ...named(row), low: named(row).low ?? 0, mid: (named(row).mid ?? 0) + 2e-5 },
    }));
    const golden = readGolden(await classify(json(given)));
    expect(golden.predictions[0]?.scores).toEqual(given[0]?.scores);
    expect(golden.tolerance).toBeGreaterThan(2e-5);
  });

  test("a column of the table is no input of the model", async () => {
    const made = await classify(
      { name: "python", bytes: undefined },
      table(",python", ({ label }) => `,${label}`),
    );
    expect(made.agreement).toContain("(python) agree on all 60");
  });

  test("labels in another order are named with the order", async () => {
    const turned = rows.map(({ scores: [low, mid, top] }) => ({ scores: { low: mid, mid: low, top } }));
    await expect(classify(json(turned))).rejects.toMatchObject({
      name: "PredictionsDiffer",
      message: expect.stringMatching(
        /^\d+ of 60 predictions differ from Python's by more than 0\.0001; nothing was written\.\n {2}row 1: score of \w+ 0\.\d+ in Python, 0\.\d+ here \(difference -?0\.\d+\)[\s\S]*Likely cause: the labels' order\..*low, mid, top are read as mid, low, top/,
      ),
    });
  });

  test("logits for probabilities are named", async () => {
    const logits = rows.map(({ scores }) => scores.map((score) => Math.log(score)));
    await expect(classify(json(logits))).rejects.toThrow(/Likely cause: logits/);
  });

  test.each([
    [
      "too many rows",
      json([...rows, ...rows].map(({ label }) => label)),
      /has 120 predictions, but the data has 60 rows/,
    ],
    ["unknown labels", json(rows.map(() => ({ scores: { high: 1 } }))), /has a number for high \(row 1\)/],
    [
      "a file that is not there",
      { name: "nowhere", bytes: undefined },
      /neither a column of the data nor a file/,
    ],
    ["something else", json([{ probability: 1 }]), /row 1 is no prediction/],
    [
      "columns without meaning",
      csvFile(`${"x,y\n"}${"1,2\n".repeat(60)}`),
      /the column x, which names neither/,
    ],
  ])("%s: a usage mistake that says what to write", async (_, predicted, message) => {
    await expect(classify(predicted)).rejects.toThrow(message);
  });
});

describe("predictions of a regression", () => {
  const doubles: Graph = {
    nodes: [{ op: "Add", inputs: ["x", "x"], outputs: ["y"] }],
    inputs: [{ name: "x", type: floatType, shape: ["N", 1] }],
    outputs: [{ name: "y", type: floatType, shape: ["N", 1] }],
  };
  const values = Array.from({ length: 50 }, (_, at) => at + 0.25);
  const estimate = (predicted: ModelSource["predicted"]) =>
    draft({
      onnx: writeOnnx({ graph: doubles }),
      csv: encode(`x,truth,python\n${values.map((x) => `${x},${2 * x + 0.1},${2 * x}\n`).join("")}`),
      targets: ["truth"],
      ignored: ["python"],
      predicted,
    });

  test.each([
    ["a column", { name: "python", bytes: undefined }],
    ["numbers", json(values.map((x) => 2 * x))],
    ["values by name", json(values.map((x) => ({ values: { truth: 2 * x } })))],
    ["a value", json({ predictions: values.map((x) => ({ value: 2 * x })) })],
  ])("%s: equal ones become the golden vectors", async (_, predicted) => {
    const golden = readGolden(await estimate(predicted));
    expect(golden.predictions[0]).toEqual({ scores: { truth: 0.5 }, value: 0.5 });
  });

  test.each([
    ["a scaled target", values.map((x) => 6 * x + 7), /Python's value is 3\.000 times ours plus 7\.000/],
    ["a logarithm", values.map((x) => Math.exp(2 * x)), /exponential of ours/],
    ["other numbers", values.map((x, at) => 2 * x + (at % 7)), /Only some rows differ/],
  ])("%s is named as the likely cause", async (_, given, message) => {
    await expect(estimate(json(given))).rejects.toThrow(message);
  });
});

describe("predictions of other kinds", () => {
  const isolationForest = (predicted: ModelSource["predicted"]) => {
    const read = (file: string) =>
      readFileSync(join(import.meta.dirname, "../../test/support/onnx-exports/isolation-forest", file));
    const { target } = JSON.parse(read("case.json").toString("utf8"));
    return draft({ onnx: read("model.onnx"), csv: read("data.csv"), targets: [target].flat(), predicted });
  };
  const readIsolationForest = () =>
    JSON.parse(
      readFileSync(
        join(import.meta.dirname, "../../test/support/onnx-exports/isolation-forest/case.json"),
        "utf8",
      ),
    ).predictions as { label: string; scores: Record<string, number> }[];

  test("an anomaly's 1 and −1 are labels, and other numbers are its score", async () => {
    const predictions = readIsolationForest();
    const labels = predictions.map(({ label }) => Number(label));
    const scores = predictions.map(({ scores }) => Object.values(scores)[0] ?? 0);
    for (const given of [labels, scores]) {
      const made = await isolationForest(json(given));
      expect(made.agreement).toContain(`agree on all ${given.length} compared rows`);
    }
    await expect(isolationForest(json(labels.map((label) => -label)))).rejects.toThrow(
      /row 1: label -?1 in Python, -?1 here/,
    );
  });

  const sums: Graph = {
    nodes: [
      { op: "Concat", inputs: ["a", "b"], outputs: ["vector"], attributes: [{ name: "axis", int: 1 }] },
    ],
    inputs: ["a", "b"].map((name) => ({ name, type: floatType, shape: ["N", 1] })),
    outputs: [{ name: "vector", type: floatType, shape: ["N", 2] }],
  };
  const vectors = Array.from({ length: 30 }, (_, at) => [at + 0.5, 1 - at]);
  const embed = (predicted: ModelSource["predicted"]) =>
    draft({
      onnx: writeOnnx({ graph: sums }),
      csv: encode(`a,b\n${vectors.map((vector) => `${vector.join(",")}\n`).join("")}`),
      targets: [],
      options: { task: "embedding" },
      predicted,
    });

  test("a list of vectors is compared with an embedding's, and kept", async () => {
    const golden = readGolden(await embed(json(vectors)));
    expect(golden.predictions[0]?.tensors).toEqual({ embedding: vectors[0] });
    await expect(embed(json(vectors.map(([a = 0, b = 0]) => [b, a])))).rejects.toThrow(
      /30 of 30 predictions differ/,
    );
  });

  test("one number for each row is refused with what to write", async () => {
    await expect(embed(json(vectors.map(([a]) => a)))).rejects.toThrow(
      "row 1 is no prediction of a model of the task embedding. Give the array of each row, as numpy's tolist() gives it",
    );
  });
});

test("a scaled value before a decision tree is named as the likely cause where few rows differ", () => {
  const rows = Array.from({ length: 10 }, (_, at) => ({
    given: { scores: { x: at === 3 ? 1 : at } },
    actual: { scores: { x: at }, value: at },
  }));
  const manifest = { task: "regression", inputs: [], output: { name: "x" } } as unknown as Manifest;
  expect(explainDifferences(manifest, rows, [3], true)).toMatch(
    /^rounding before a decision tree.*without the scaler/,
  );
  expect(explainDifferences(manifest, rows, [3], false)).toMatch(/^preprocessing outside the graph/);
});

test("a text model's other tokenizer is named", async () => {
  const texts = Array.from({ length: 20 }, (_, at) => (at % 2 ? "good" : "good bad"));
  const python = texts.map((_, at) => ({ values: { ids: at % 2 ? 6 : 11, tokens: at % 2 ? 3 : 4 } }));
  await expect(
    draft({
      onnx: writeOnnx({ graph: tokenSumGraph }),
      csv: encode(`text,ids,tokens\n${texts.map((text, at) => `${text},${at},3\n`).join("")}`),
      targets: ["ids", "tokens"],
      tokenizer: { bytes: tinyTokenizer, maxTokens: 8 },
      predicted: json(python),
    }),
  ).rejects.toThrow(/Likely cause: the tokenizer or its truncation\. Only some texts differ/);
});

describe("the number of tokens", () => {
  const truncated = (maxTokens: number) =>
    encode(
      JSON.stringify({
        ...JSON.parse(tinyTokenizer.toString("utf8")),
        truncation: { direction: "Right", max_length: maxTokens, strategy: "LongestFirst", stride: 0 },
      }),
    );
  const read = (bytes: Uint8Array, maxTokens?: number) =>
    draft({
      onnx: writeOnnx({ graph: tokenSumGraph }),
      csv: encode(`text,ids,tokens\n${Array.from({ length: 20 }, (_, at) => `good,${at},3\n`).join("")}`),
      targets: ["ids", "tokens"],
      tokenizer: { bytes, maxTokens },
    });
  const readMaxTokens = ({ files }: { files: ReadonlyMap<string, Uint8Array> }) =>
    /maxTokens: (\d+)/.exec(new TextDecoder().decode(files.get("model.yaml")))?.[1];

  test("is tokenizer.json's, said as a guess that changes predictions", async () => {
    const made = await read(truncated(16));
    expect(readMaxTokens(made)).toBe("16");
    expect(made.guesses[0]).toBe("maxTokens 16: tokenizer.json's truncation (--max-tokens chooses another)");
    const problems = await checkModel({ model: "mine", files: made.files });
    // Sixty rows are too few for a score of three labels.
    expect(problems.filter(({ message }) => !message.startsWith("too few rows of a label"))).toEqual([]);
  });

  test("is the caller's; a difference is said by new and by check", async () => {
    const made = await read(truncated(16), 32);
    expect(readMaxTokens(made)).toBe("32");
    expect(made.guesses[0]).toBe("maxTokens 32: --max-tokens; tokenizer.json cuts texts at 16 tokens");
    expect(await checkModel({ model: "mine", files: made.files })).toMatchObject([
      {
        severity: "warning",
        file: "tokenizer.json",
        path: "truncation.max_length",
        remedy: expect.stringContaining("maxTokens: 16"),
      },
    ]);
  });

  test("is 256 where nobody says another", async () => {
    expect(readMaxTokens(await read(tinyTokenizer))).toBe("256");
  });
});

test("a tokenizer that drops merges at random is an error of the check", async () => {
  const bpe = JSON.parse(
    readFileSync(
      join(
        import.meta.dirname,
        "..",
        "..",
        "test",
        "support",
        "tokenizers",
        "cases",
        "quicktour-bpe-whitespace.json",
      ),
      "utf8",
    ),
  );
  const made = await draft({
    onnx: writeOnnx({ graph: tokenSumGraph }),
    csv: encode(`text,ids,tokens\n${Array.from({ length: 20 }, (_, at) => `good,${at},3\n`).join("")}`),
    targets: ["ids", "tokens"],
    tokenizer: {
      bytes: encode(JSON.stringify({ ...bpe, model: { ...bpe.model, dropout: 0.1 } })),
      maxTokens: 32,
    },
  });
  expect(await checkModel({ model: "mine", files: made.files })).toMatchObject([
    { severity: "error", file: "tokenizer.json", path: "model.dropout" },
  ]);
});
