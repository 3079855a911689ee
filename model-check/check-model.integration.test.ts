import { readdirSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { checkGolden } from "#domain/gates/check-golden.ts";
import { loadModel } from "#inference/model/load-model.ts";
import { ManifestInvalid, stopsDelivery } from "#model-folder/manifest/folder-problem.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { parseGolden } from "#model-folder/rows/parse-golden.ts";
import { buildLoopBody } from "#test/support/onnx/build-loop-body.ts";
import { readChurnFiles, readChurnYaml } from "#test/support/onnx/churn-folder.ts";
import { tinyTokenizer } from "#test/support/onnx/tiny-tokenizer.ts";
import { tokenSumGraph } from "#test/support/onnx/token-sum-graph.ts";
import { boolType, floatType, type Graph, int64Type, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { assertModel, checkModel } from "./check-model.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (files: Map<string, Uint8Array>, name: string): string =>
  new TextDecoder().decode(files.get(name));
const churnWith = (changes: Record<string, Uint8Array | string | undefined>) => {
  const files = readChurnFiles();
  for (const [name, content] of Object.entries(changes))
    if (content === undefined) files.delete(name);
    else files.set(name, typeof content === "string" ? bytes(content) : content);
  return { model: "churn", files };
};
const edited = (name: string, from: string | RegExp, to: string) =>
  churnWith({ [name]: text(readChurnFiles(), name).replace(from, to) });

/** A regression with one input x around a graph. */
const regression = (graph: Graph, trial = {}) => ({
  folder: {
    model: "tiny",
    files: new Map([
      [
        "model.yaml",
        bytes(
          readChurnYaml()
            .replace("name: churn", "name: tiny")
            .replace("task: classification", "task: regression")
            .replace(
              /inputs:[\s\S]*output:.*\n/,
              "inputs: [{ name: x, type: number, min: -10, max: 10 }]\noutput: { name: y }\n",
            )
            .replace(/ {2}(accuracy|auc):.*\n/g, ""),
        ),
      ],
      ["model.onnx", writeOnnx({ graph })],
      [
        "golden.json",
        bytes('{"tolerance":0.001,"rows":[{"x":1}],"predictions":[{"value":1,"scores":{"y":1}}]}'),
      ],
      ["holdout.csv", bytes("x,label\n1,1\n2,2\n")],
    ]),
  },
  trial: { seconds: 30, residentMb: 1_024, ...trial },
});
const x = { name: "x", type: floatType, shape: ["N", 1] };
const y = { name: "y", type: floatType, shape: ["N", 1] };

describe("checkModel", () => {
  test("the committed churn has no problems, and its trial leaves no file behind", async () => {
    // A separate folder, because other tests run trials at the same time.
    const own = await createTemporaryFolder();
    vi.stubEnv("TMPDIR", own.path);
    try {
      expect(await checkModel({ model: "churn", files: readChurnFiles() })).toEqual([]);
      expect(readdirSync(own.path)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
      await own.remove();
    }
  });

  test("a model without truth is checked by what needs none, and the check says so; with a gate on a score it is refused", async () => {
    const { folder } = regression({
      nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
      inputs: [x],
      outputs: [y],
    });
    folder.files.delete("holdout.csv");
    expect(await checkModel(folder)).toMatchObject([
      { severity: "warning", file: "holdout.csv", message: expect.stringContaining("no score is measured") },
    ]);
    expect(await checkModel(churnWith({ "holdout.csv": undefined }))).toMatchObject([
      {
        severity: "error",
        file: "holdout.csv",
        message: "is missing",
        remedy: expect.stringContaining("Or remove the gates that need it (accuracy, auc)"),
      },
    ]);
  });

  const mistakes: [string, ReturnType<typeof churnWith>, Record<string, unknown>][] = [
    ["no manifest", churnWith({ "model.yaml": undefined }), { file: "model.yaml", message: "is missing" }],
    ["no ONNX file", churnWith({ "model.onnx": undefined }), { file: "model.onnx", message: "is missing" }],
    ["no golden vectors", churnWith({ "golden.json": undefined }), { file: "golden.json" }],
    ["no holdout", churnWith({ "holdout.csv": undefined }), { file: "holdout.csv" }],
    [
      "another folder's name",
      { ...churnWith({}), model: "other" },
      { file: "model.yaml", line: 2, path: "name" },
    ],
    [
      "a broken ONNX file",
      churnWith({ "model.onnx": "not a model" }),
      { file: "model.onnx", message: expect.stringMatching(/not an ONNX model/) },
    ],
    [
      "an input that the graph does not have",
      edited("model.yaml", "name: tenure", "name: tenured"),
      { file: "model.yaml", line: 11, path: "inputs[4]", message: expect.stringMatching(/no input tenured/) },
    ],
    [
      "an input of the graph that the manifest does not have",
      edited("model.yaml", / {2}- \{ name: tenure.*\n/, ""),
      { file: "model.yaml", message: expect.stringMatching(/input tenure is not in the manifest/) },
    ],
    [
      "an input of another type",
      edited("model.yaml", "type: integer, min: 0, max: 120", "type: string"),
      { file: "model.yaml", line: 11, message: expect.stringMatching(/float32, the manifest says string/) },
    ],
    [
      "three labels for two probabilities",
      edited("model.yaml", "[stay, churn]", "[stay, churn, other]"),
      { file: "model.yaml", path: "output" },
    ],
    [
      "a golden.json with invalid JSON",
      edited("golden.json", '"rows"', "rows"),
      { file: "golden.json", line: 3 },
    ],
    [
      "a golden row that the manifest refuses",
      edited("golden.json", '"tenure": 0', '"tenure": 500'),
      { file: "golden.json", line: 9, path: "rows[0].tenure" },
    ],
    [
      "an unknown golden label",
      edited("golden.json", '"label": "stay"', '"label": "leave"'),
      { file: "golden.json", message: expect.stringMatching(/not one of the manifest's labels/) },
    ],
    [
      "a holdout without a column",
      edited("holdout.csv", "tenure,", ""),
      { file: "holdout.csv", line: 1, path: "tenure", message: "missing column" },
    ],
    [
      "a holdout with a mistyped column",
      edited("holdout.csv", "tenure,", "tenur,"),
      { file: "holdout.csv", line: 1, path: "tenur", remedy: "Did you mean tenure?" },
    ],
    [
      "a holdout cell that the manifest refuses",
      edited("holdout.csv", "\n1,0,0,0,8,", "\n1,0,0,0,x,"),
      { file: "holdout.csv", line: 3, path: "tenure", message: "must be an integer" },
    ],
    [
      "an unknown holdout label",
      edited("holdout.csv", "820.5,churn", "820.5,gone"),
      { file: "holdout.csv", line: 3, path: "label" },
    ],
    [
      "a holdout line with too few cells",
      edited("holdout.csv", "\n1,0,0,0,8,", "\n1,0,0,8,"),
      { file: "holdout.csv", line: 3, message: "19 cells, but the header has 20 columns" },
    ],
    [
      "a holdout with a stray quote",
      edited("holdout.csv", "820.5,churn", '820.5,ch"urn'),
      { file: "holdout.csv", line: 3 },
    ],
  ];
  test.each(mistakes)("%s is reported with its file, line and remedy", async (_, folder, expected) => {
    const problems = await checkModel(folder);
    expect(problems).toContainEqual(expect.objectContaining({ severity: "error", ...expected }));
    for (const { remedy } of problems) expect(remedy).not.toBe("");
  });

  test("golden vectors that differ are a warning, because the delivery verifies them on stage", async () => {
    const folder = edited("golden.json", /"churn": 0\.08977\d+/, '"churn": 0.1');
    expect(await checkModel(folder)).toMatchObject([
      { severity: "warning", file: "golden.json", path: "predictions[0]" },
    ]);
    await expect(assertModel(folder)).resolves.toMatchObject({ name: "churn" });
  });

  test("a build gets ManifestInvalid for the written files and ModelUnreadable for the graph", async () => {
    await expect(assertModel(edited("model.yaml", "owner:", "ownr:"))).rejects.toBeInstanceOf(
      ManifestInvalid,
    );
    await expect(assertModel(edited("model.yaml", "owner:", "ownr:"))).rejects.toThrow(
      /model\.yaml:4:1: ownr/,
    );
    await expect(assertModel(churnWith({ "model.onnx": "x" }))).rejects.toBeInstanceOf(ModelUnreadable);
  });

  test("a graph that ends in ZipMap is refused with the export option that avoids it", async () => {
    const graph = { nodes: [], inputs: [x], outputs: [{ name: "probabilities", sequence: true as const }] };
    const { folder } = regression(graph);
    folder.files.set("model.yaml", readChurnFiles().get("model.yaml") ?? new Uint8Array());
    const problems = await checkModel(folder);
    expect(problems).toContainEqual(
      expect.objectContaining({
        message: expect.stringMatching(/ZipMap/),
        remedy: expect.stringMatching(/'zipmap': False/),
      }),
    );
  });
});

describe("answers that a caller cannot rely on are named with the operator", () => {
  const check = (nodes: Graph["nodes"], rows: string, initializers: Graph["initializers"] = []) => {
    const { folder } = regression({
      nodes: nodes ?? [],
      inputs: [x],
      outputs: [y],
      initializers: initializers ?? [],
    });
    folder.files.set("golden.json", bytes(rows));
    return checkModel(folder);
  };
  const oneRow = '{"tolerance":0.001,"rows":[{"x":1}],"predictions":[{"value":1,"scores":{"y":1}}]}';

  test("random numbers are an error, because a delivery would end in GoldenVectorsDiffer", async () => {
    const problems = await check(
      [
        { op: "RandomNormalLike", inputs: ["x"], outputs: ["r"] },
        { op: "Add", inputs: ["x", "r"], outputs: ["y"] },
      ],
      oneRow,
    );
    expect(problems).toMatchObject([
      {
        severity: "error",
        file: "model.onnx",
        message: expect.stringMatching(/random numbers \(RandomNormalLike\)/),
      },
    ]);
  });

  test("dropout in training mode is named as such", async () => {
    // Each row is 0 or doubled by chance: two equal runs of 60 rows would be one in 10^18.
    const rows = JSON.stringify({
      tolerance: 0.001,
      rows: Array(60).fill({ x: 1 }),
      predictions: Array(60).fill({ value: 1, scores: { y: 1 } }),
    });
    const problems = await check([{ op: "Dropout", inputs: ["x", "", "on"], outputs: ["y"] }], rows, [
      { name: "on", type: boolType, dims: [], int32: [1] },
    ]);
    expect(problems).toMatchObject([
      { severity: "error", message: expect.stringMatching(/Dropout \(in training mode\)/) },
    ]);
  });

  test("an answer that depends on the other rows of its batch is a warning", async () => {
    const problems = await check(
      [
        { op: "ReduceMax", inputs: ["x"], outputs: ["m"], attributes: [{ name: "axes", ints: [0] }] },
        { op: "Sub", inputs: ["x", "m"], outputs: ["y"] },
      ],
      '{"tolerance":0.001,"rows":[{"x":1},{"x":5}],"predictions":[{"value":-4,"scores":{"y":-4}},{"value":0,"scores":{"y":0}}]}',
    );
    expect(problems).toMatchObject([
      {
        severity: "warning",
        message: expect.stringMatching(/y of golden row 0 is -4, and 0 alone \(ReduceMax can mix rows\)/),
      },
    ]);
    expect(problems.some(stopsDelivery)).toBe(false);
  });

  test("golden vectors that differ do not stop a build, but the folder is not ready for delivery", async () => {
    const problems = await check([{ op: "Neg", inputs: ["x"], outputs: ["y"] }], oneRow);
    expect(problems).toMatchObject([{ severity: "warning", file: "golden.json", failsDelivery: true }]);
    expect(problems.every(stopsDelivery)).toBe(true);
  });
});

describe("the check reads the graph's limits", () => {
  const lookup = (trial = {}) => {
    const made = regression(
      {
        nodes: [
          { op: "Gather", inputs: ["T", "x"], outputs: ["g"] },
          { op: "Squeeze", inputs: ["g", "k"], outputs: ["y"] },
        ],
        initializers: [
          { name: "T", type: floatType, dims: [3, 1], float: [0, 1, 2] },
          { name: "k", dims: [1], int64: [2] },
        ],
        inputs: [{ ...x, type: int64Type }],
        outputs: [y],
      },
      trial,
    );
    const yaml = text(made.folder.files, "model.yaml");
    return (range: string) => {
      made.folder.files.set("model.yaml", bytes(yaml.replace("type: number, min: -10, max: 10", range)));
      return checkModel(made.folder);
    };
  };

  test("an input may not have more values than the table that it selects from", async () => {
    expect(await lookup()("type: integer, min: 0, max: 2")).toEqual([]);
    expect(await lookup()("type: integer, min: 0, max: 3")).toMatchObject([
      {
        severity: "error",
        path: "inputs[0]",
        message: expect.stringMatching(/allows 0 to 3, .* table of 3 rows \(Gather\)/),
        remedy: "Write min: 0 and max: 2.",
      },
    ]);
  });

  test("versions that the runtime does not read are named with the ones that it does", async () => {
    const { folder } = regression({ nodes: [], inputs: [], outputs: [] });
    const graph = { nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }], inputs: [x], outputs: [y] };
    folder.files.set("model.onnx", writeOnnx({ graph, irVersion: 14, opsets: { "": 28 } }));
    expect(await checkModel(folder)).toMatchObject([
      {
        severity: "error",
        file: "model.onnx",
        message: expect.stringMatching(/opset 28 and IR version 14; .* up to opset 26 and IR version 13/),
        remedy: expect.stringMatching(/target_opset=.*model\.ir_version = 13/),
      },
    ]);
  });
});

describe("the check and the delivery agree on golden vectors", () => {
  /** A regression y = x whose only golden row has x = 200,000, with a tolerance of 1e-5 (±2 at this size). */
  const regressionOfLargeValue = (value: number) => {
    const { folder } = regression({
      nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
      inputs: [x],
      outputs: [y],
    });
    const yaml = text(folder.files, "model.yaml").replace("min: -10, max: 10", "min: 0, max: 1000000");
    folder.files.set("model.yaml", bytes(yaml));
    folder.files.set(
      "golden.json",
      bytes(
        `{"tolerance":0.00001,"rows":[{"x":200000}],"predictions":[{"value":${value},"scores":{"y":${value}}}]}`,
      ),
    );
    return folder;
  };

  test.each([
    ["the values of training", regressionOfLargeValue(200_000), "pass"],
    ["a large value within the relative tolerance", regressionOfLargeValue(200_001.9), "pass"],
    ["a large value beyond the relative tolerance", regressionOfLargeValue(200_002.1), "fail"],
    ["the committed churn", churnWith({}), "pass"],
    ["a score beyond the tolerance", edited("golden.json", /"churn": 0\.08977\d+/, '"churn": 0.1'), "fail"],
    ["another label", edited("golden.json", '"label": "stay"', '"label": "churn"'), "fail"],
    [
      "a value that a classifier does not have",
      edited("golden.json", '"label": "stay"', '"value": 1, "label": "stay"'),
      "fail",
    ],
  ] as const)("on %s", async (_, folder, verdict) => {
    const manifest = readManifest(folder.files.get("model.yaml") ?? "");
    const golden = parseGolden(folder.files.get("golden.json") ?? bytes(""), manifest);
    const model = await loadModel({
      manifest,
      model: { bytes: folder.files.get("model.onnx") ?? new Uint8Array() },
      tokenizer: undefined,
    });
    const predictions = await model.predict(golden.rows);
    await model.release();
    expect(checkGolden({ golden, predictions }).verdict).toBe(verdict);
    const problems = await checkModel(folder);
    expect(problems.map(({ severity, file }) => ({ severity, file }))).toEqual(
      verdict === "pass" ? [] : [{ severity: "warning", file: "golden.json" }],
    );
  });
});

describe("the trial of a model", () => {
  test("a model runs on its golden rows", async () => {
    const { folder, trial } = regression({
      nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
      inputs: [x],
      outputs: [y],
    });
    expect(await checkModel(folder, { trial })).toEqual([]);
  });

  test("a graph that allocates more memory than the limit is killed, even if it hides the size", async () => {
    // 2 GB of floats: the graph computes the length, so that reading the file cannot reveal it.
    const { folder, trial } = regression(
      {
        nodes: [
          { op: "Mul", inputs: ["k", "k"], outputs: ["n"] },
          { op: "ConstantOfShape", inputs: ["n"], outputs: ["big"] },
          { op: "ReduceSum", inputs: ["big"], outputs: ["sum"] },
          { op: "Add", inputs: ["x", "sum"], outputs: ["y"] },
        ],
        initializers: [{ name: "k", dims: [1], int64: [22_628] }],
        inputs: [x],
        outputs: [y],
      },
      { residentMb: 400 },
    );
    const problems = await checkModel(folder, { trial });
    expect(problems).toMatchObject([
      { severity: "error", file: "model.onnx", message: expect.stringMatching(/more than 400 MB/) },
    ]);
  });

  test("an endless graph is killed after its time limit", async () => {
    const body = buildLoopBody("Sin");
    const { folder, trial } = regression(
      {
        nodes: [
          {
            op: "Loop",
            inputs: ["times", "", "x"],
            outputs: ["y"],
            attributes: [{ name: "body", graph: body }],
          },
        ],
        initializers: [{ name: "times", dims: [], int64: [2 ** 52] }],
        inputs: [x],
        outputs: [y],
      },
      { seconds: 2 },
    );
    const problems = await checkModel(folder, { trial });
    expect(problems).toMatchObject([
      { file: "model.onnx", message: expect.stringMatching(/longer than 2 s/) },
    ]);
  });

  test("a graph that allocates too much memory while it loads is killed", async () => {
    // Only constants: onnxruntime computes 16 GB of them before the first row.
    const { folder, trial } = regression(
      {
        nodes: [
          { op: "Concat", inputs: ["k", "k"], outputs: ["n"], attributes: [{ name: "axis", int: 0 }] },
          { op: "ConstantOfShape", inputs: ["n"], outputs: ["big"] },
          { op: "Sin", inputs: ["big"], outputs: ["bigger"] },
          { op: "ReduceSum", inputs: ["bigger"], outputs: ["sum"] },
          { op: "Add", inputs: ["x", "sum"], outputs: ["y"] },
        ],
        initializers: [{ name: "k", dims: [1], int64: [65_536] }],
        inputs: [x],
        outputs: [y],
      },
      { residentMb: 400 },
    );
    expect(await checkModel(folder, { trial })).toMatchObject([{ severity: "error", file: "model.onnx" }]);
  });

  test("an error of onnxruntime is reported in its own words", async () => {
    const { folder, trial } = regression({
      nodes: [{ op: "NoSuchOperator", inputs: ["x"], outputs: ["y"] }],
      inputs: [x],
      outputs: [y],
    });
    await expect(assertModel(folder, { trial })).rejects.toThrow(/NoSuchOperator/);
  });
});

describe("the trial of a tokenizer", () => {
  const text = (tokenizer: Uint8Array) => {
    const files = new Map([
      [
        "model.yaml",
        bytes(
          readChurnYaml()
            .replace("name: churn", "name: tiny")
            .replace("task: classification", "task: regression")
            .replace(
              /inputs:[\s\S]*output:.*\n/,
              "inputs: [{ name: text, type: string }]\ntokenizer: { maxTokens: 16 }\noutput: { names: [ids, tokens] }\n",
            )
            .replace(/ {2}(accuracy|auc):.*\n/g, ""),
        ),
      ],
      ["model.onnx", writeOnnx({ graph: tokenSumGraph })],
      ["tokenizer.json", tokenizer],
      [
        "golden.json",
        bytes('{"tolerance":0.001,"rows":[{"text":"good"}],"predictions":[{"scores":{"ids":6,"tokens":3}}]}'),
      ],
      ["holdout.csv", bytes("text,label.ids,label.tokens\ngood,6,3\nbad,7,3\n")],
    ]);
    return checkModel({ model: "tiny", files }, { trial: { seconds: 30, residentMb: 1_024 } });
  };
  const graphProblems = async (tokenizer: Uint8Array) =>
    (await text(tokenizer)).filter(({ file }) => file === "model.onnx");
  const changed = (change: object) =>
    bytes(JSON.stringify({ ...JSON.parse(tinyTokenizer.toString("utf8")), ...change }));

  test("a tokenizer without patterns is accepted", async () => {
    expect(await graphProblems(tinyTokenizer)).toEqual([]);
  });

  test("a pattern that can backtrack without end is refused by name", async () => {
    const evil = { type: "Split", pattern: { Regex: "(a+)+$" }, behavior: "Isolated", invert: false };
    expect(await graphProblems(changed({ pre_tokenizer: evil }))).toMatchObject([
      {
        severity: "error",
        message: expect.stringMatching(
          /"\(a\+\)\+\$" \(pre_tokenizer\.pattern\) is not proven to run in linear time/,
        ),
      },
    ]);
  });

  test.each([
    ["invalid JSON", bytes("{")],
    ["JSON of a hundred thousand brackets", bytes("[".repeat(100_000) + "]".repeat(100_000))],
    [
      "an invalid pattern",
      changed({ pre_tokenizer: { type: "Split", pattern: { Regex: "(" }, behavior: "Isolated" } }),
    ],
    ["an unknown model type", changed({ model: { type: "Evil" } })],
    ["a model named __proto__", bytes('{"__proto__":{"model":{}}}')],
  ])("%s is refused", async (_, tokenizer) => {
    expect(await graphProblems(tokenizer)).toMatchObject([{ severity: "error" }]);
  });
});

describe("scores: logits", () => {
  const rowsOf = (count: number) => Array.from({ length: count }, (_, row) => ({ x: row / count }));
  /** A classifier with one input x from 0 to 1 around a graph with the scores `scores`. */
  const classifier = (graph: Graph, rows: number, kind = "logits") => {
    const inputs = rowsOf(rows);
    return {
      model: "tiny",
      files: new Map([
        [
          "model.yaml",
          bytes(
            readChurnYaml()
              .replace("name: churn", "name: tiny")
              .replace(
                /inputs:[\s\S]*output:.*\n/,
                `inputs: [{ name: x, type: number, min: 0, max: 1 }]\noutput: { labels: [no, yes], scores: ${kind} }\n`,
              )
              .replace(/ {2}(accuracy|auc):.*\n/g, ""),
          ),
        ],
        ["model.onnx", writeOnnx({ graph })],
        [
          "golden.json",
          bytes(
            JSON.stringify({
              tolerance: 0.001,
              rows: inputs,
              predictions: inputs.map(() => ({ label: "no", scores: { no: 0.5, yes: 0.5 } })),
            }),
          ),
        ],
        ["holdout.csv", bytes("x,label\n0,no\n1,yes\n")],
      ]),
    };
  };
  const scores = (width: number) => ({ name: "scores", type: floatType, shape: ["N", width] });
  const shares: Graph = {
    nodes: [
      { op: "MatMul", inputs: ["x", "turn"], outputs: ["raw"] },
      { op: "Softmax", inputs: ["raw"], outputs: ["scores"] },
    ],
    initializers: [{ name: "turn", type: floatType, dims: [1, 2], float: [3, -3] }],
    inputs: [x],
    outputs: [scores(2)],
  };
  const single: Graph = {
    nodes: [{ op: "Identity", inputs: ["x"], outputs: ["scores"] }],
    inputs: [x],
    outputs: [scores(1)],
  };
  const refusals = async (folder: ReturnType<typeof classifier>) =>
    (await checkModel(folder)).filter(({ path }) => path === "output.scores");

  test("are refused where the graph's scores are probabilities in all golden rows", async () => {
    expect(await refusals(classifier(shares, 3))).toMatchObject([
      {
        severity: "error",
        message: expect.stringContaining(
          "are probabilities in all 3 golden rows (from 0 to 1, with sums of 1)",
        ),
        remedy: expect.stringContaining("Remove scores: logits"),
      },
    ]);
    expect(await refusals(classifier(single, 20))).toMatchObject([{ severity: "error" }]);
  });

  test("are refused of several labels and of heads too", async () => {
    const { model, files } = classifier(shares, 30);
    const golden = (prediction: object) =>
      [
        "golden.json",
        bytes(
          JSON.stringify({
            tolerance: 0.001,
            rows: rowsOf(30),
            predictions: rowsOf(30).map(() => prediction),
          }),
        ),
      ] as const;
    const yaml = new TextDecoder().decode(files.get("model.yaml"));
    const both = { no: 0.5, yes: 0.5 };
    const multilabel = new Map([
      ...files,
      ["model.yaml", bytes(yaml.replace("task: classification", "task: multilabel"))],
      golden({ labels: ["no"], scores: both }),
      ["holdout.csv", bytes("x,label.no,label.yes\n0,1,0\n1,0,1\n")],
    ]);
    expect(await refusals({ model, files: multilabel })).toMatchObject([
      { message: expect.stringContaining("in all 30 golden rows (from 0 to 1)") },
    ]);
    const head = "labels: [no, yes], scores: logits, graphOutput: scores";
    const heads = new Map([
      ...files,
      [
        "model.yaml",
        bytes(
          yaml
            .replace("task: classification", "task: multioutput")
            .replace(/output:.*/, `output: { heads: [{ name: a, ${head} }, { name: b, ${head} }] }`),
        ),
      ],
      golden({ scores: {}, heads: { a: { label: "no", scores: both }, b: { label: "no", scores: both } } }),
      ["holdout.csv", bytes("x,label.a,label.b\n0,no,no\n1,yes,yes\n")],
    ]);
    const problems = await checkModel({ model, files: heads });
    expect(problems.map(({ path }) => path)).toEqual(
      expect.arrayContaining(["output.heads[0].scores", "output.heads[1].scores"]),
    );
  });

  test("are accepted for raw values, for probabilities that say so, and for a few single values by chance", async () => {
    const raw: Graph = { ...shares, nodes: [{ op: "MatMul", inputs: ["x", "turn"], outputs: ["scores"] }] };
    expect(await refusals(classifier(raw, 30))).toEqual([]);
    expect(await refusals(classifier(shares, 30, "probabilities"))).toEqual([]);
    expect(await refusals(classifier(single, 19))).toEqual([]);
  });

  test("stop no build, because a version that serves today can have them", async () => {
    expect(await assertModel(classifier(shares, 30))).toMatchObject({ output: { scores: "logits" } });
  });
});

test("labels with too few rows are a warning where accuracy or AUC is gated", async () => {
  const thin = text(readChurnFiles(), "holdout.csv").split("\n").slice(0, 40).join("\n");
  expect(await checkModel(churnWith({ "holdout.csv": `${thin}\n` }))).toMatchObject([
    {
      severity: "warning",
      file: "holdout.csv",
      message: expect.stringMatching(/^too few rows of a label: label churn: \d+ rows/),
    },
  ]);
});
