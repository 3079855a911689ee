import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadModelFolder } from "#inference/model/load-model-folder.ts";
import type { Prediction, Row } from "#model-folder/manifest/manifest.ts";
import { tinyTokenizer } from "#test/support/onnx/tiny-tokenizer.ts";
import { tokenSumGraph } from "#test/support/onnx/token-sum-graph.ts";
import { floatType, type Graph, int64Type, type Node, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { newCommand } from "./new.ts";

const run = promisify(execFile);

type Files = Readonly<Record<string, string | Uint8Array>>;
/** What a reader does with a message: other options, other files, or a command in the folder of the files. */
type Followed = {
  readonly args?: readonly string[];
  readonly without?: readonly string[];
  readonly files?: Files;
  readonly shell?: string;
};
type Case = {
  readonly files: Files;
  readonly args: readonly string[];
  readonly remedy: RegExp;
  readonly follow: (match: RegExpMatchArray) => Followed;
  readonly rows: readonly Row[];
  readonly predictions: readonly Partial<Prediction>[];
};

/** One matrix [N, width] in, what one operator makes of it out. */
const matrix = (width: number, op = "Identity", outputWidth = width): Graph => ({
  nodes: [{ op, inputs: ["X"], outputs: ["y"] }],
  inputs: [{ name: "X", type: floatType, shape: ["N", width] }],
  outputs: [{ name: "y", type: floatType, shape: ["N", outputWidth] }],
});
const model = (graph: Graph, versions: { irVersion?: number; opsets?: Record<string, number> } = {}) =>
  writeOnnx({ graph, ...versions });
const table = (header: string, row: (index: number) => readonly unknown[], delimiter = ",", rows = 60) =>
  [header, ...Array.from({ length: rows }, (_, index) => row(index).join(delimiter))].join("\n");
/** A number without a pattern that another column has. */
const number = (index: number) => ((index * 37) % 60) / 8;
const oneColumn = table("x,y", (row) => [number(row), number(row)]);
const echo = { rows: [{ X: 1.5 }], predictions: [{ value: 1.5 }] };
const texts = ["good", "bad", "good bad", "bad bad good"];
const ids = (text: string) => 3 + text.split(" ").reduce((sum, word) => sum + (word === "good" ? 3 : 4), 0);
const text = (row: number) => texts[row % texts.length] ?? "";
const textTable = table("text,ids,tokens", (row) => [
  text(row),
  ids(text(row)),
  text(row).split(" ").length + 2,
]);
const withNode = (node: Node): Graph => ({
  ...matrix(2),
  nodes: [node, { op: "Add", inputs: ["X", "extra"], outputs: ["y"] }],
});
const twoValues = table("a,b,y,z", (row) => [number(row), number(row + 7), number(row), number(row + 7)]);
const logits = (row: number) => [0, 1, 2].map((label) => (row % 3 === label ? 3.5 : label / 4));

const cases: Readonly<Record<string, Case>> = {
  "a text model without its tokenizer": {
    files: { "model.onnx": model(tokenSumGraph), "data.csv": textTable, "tokenizer.json": tinyTokenizer },
    args: ["--target", "ids", "--target", "tokens"],
    remedy: /Add (--tokenizer) (tokenizer\.json)/,
    follow: ([, option = "", file = ""]) => ({ args: [option, file] }),
    rows: [{ text: "good bad" }],
    predictions: [{ scores: { ids: 10, tokens: 4 } }],
  },
  "a tokenizer for a graph without tokens": {
    files: { "model.onnx": model(matrix(1)), "data.csv": oneColumn, "tokenizer.json": tinyTokenizer },
    args: ["--target", "y", "--tokenizer", "tokenizer.json"],
    remedy: /Remove (--tokenizer)/,
    follow: ([, option = ""]) => ({ without: [option] }),
    ...echo,
  },
  "Windows-1252 text": {
    files: {
      "model.onnx": model(matrix(1)),
      "data.csv": Buffer.from(oneColumn.replace("x", "größe"), "latin1"),
    },
    args: ["--target", "y"],
    remedy: /Add (--encoding) (windows-1252)/,
    follow: ([, option = "", name = ""]) => ({ args: [option, name] }),
    rows: [{ X: 1.5 }],
    predictions: [{ value: 1.5 }],
  },
  "UTF-16 without its mark": {
    files: { "model.onnx": model(matrix(1)), "data.csv": Buffer.from(oneColumn, "utf16le") },
    args: ["--target", "y"],
    remedy: /Add (--encoding) (utf-16le)/,
    follow: ([, option = "", name = ""]) => ({ args: [option, name] }),
    ...echo,
  },
  "numbers that may have a decimal comma": {
    files: {
      "model.onnx": model(matrix(1)),
      "data.csv": table("x;y", (row) => [`1,${100 + row}`, `1,${100 + row}`], ";"),
    },
    args: ["--target", "y"],
    remedy: /Add (--decimal) "(,)"/,
    follow: ([, option = "", mark = ""]) => ({ args: [option, mark] }),
    rows: [{ X: 1.125 }],
    predictions: [{ value: 1.125 }],
  },
  "a column that no input takes": {
    files: {
      "model.onnx": model({
        nodes: [{ op: "Add", inputs: ["a", "b"], outputs: ["y"] }],
        inputs: ["a", "b"].map((name) => ({ name, type: floatType, shape: ["N", 1] })),
        outputs: [{ name: "y", type: floatType, shape: ["N", 1] }],
      }),
      "data.csv": table("id,a,b,y", (row) => [
        row,
        number(row),
        number(row + 7),
        number(row) + number(row + 7),
      ]),
    },
    args: ["--target", "y"],
    remedy: /for the column (\w+) .*Leave them out with (--ignore)/,
    follow: ([, column = "", option = ""]) => ({ args: [option, column] }),
    rows: [{ a: 1, b: 0.5 }],
    predictions: [{ value: 1.5 }],
  },
  "more columns than the matrix has": {
    files: {
      "model.onnx": model(matrix(2)),
      "data.csv": table("id,a,b,y,z", (row) => [
        row,
        number(row),
        number(row + 7),
        number(row),
        number(row + 7),
      ]),
    },
    args: ["--target", "y", "--target", "z"],
    remedy: /besides the target: (\w+),.*Leave columns out with (--ignore)/,
    follow: ([, column = "", option = ""]) => ({ args: [option, column] }),
    rows: [{ a: 1, b: 0.5 }],
    predictions: [{ scores: { y: 1, z: 0.5 } }],
  },
  "a target of an embedding": {
    files: {
      "model.onnx": model(matrix(2)),
      "data.csv": table("a,b,y", (row) => [number(row), number(row + 7), row % 2]),
    },
    args: ["--task", "embedding", "--target", "y"],
    remedy: /(--target) names (\w+)\. Leave the column out with (--ignore)/,
    follow: ([, option = "", column = "", ignore = ""]) => ({ without: [option], args: [ignore, column] }),
    rows: [{ a: 1, b: 0.5 }],
    predictions: [{ tensors: { embedding: [1, 0.5] } }],
  },
  "a ranking without groups": {
    files: {
      "model.onnx": model(matrix(1)),
      "data.csv": table("x,query,relevance", (row) => [number(row), Math.floor(row / 6), row % 4]),
    },
    args: ["--task", "ranking", "--target", "relevance"],
    remedy: /Add (--group) <column>/,
    follow: ([, option = ""]) => ({ args: [option, "query"] }),
    ...echo,
  },
  "quantiles whose levels nothing tells": {
    files: {
      "model.onnx": model(matrix(3)),
      "data.csv": table("a,b,c,y", (row) => [
        number(row),
        number(row) + 1,
        number(row) + 2,
        number(row) - 1.3,
      ]),
    },
    args: ["--target", "y"],
    remedy: /(--quantiles) ([\d.,]+\d)/,
    follow: ([, option = "", levels = ""]) => ({ args: [option, levels] }),
    rows: [{ a: 1, b: 2, c: 3 }],
    predictions: [{ scores: { y_q10: 1, y_q50: 2, y_q90: 3 } }],
  },
  "labels that no row has": {
    files: {
      "model.onnx": model(matrix(3)),
      "data.csv": table("a,b,c,y", (row) => [...logits(row % 2), ["cat", "dog"][row % 2]]),
    },
    args: ["--target", "y"],
    remedy: /\((--labels) a,b,c\)/,
    follow: ([, option = ""]) => ({ args: [option, "cat,dog,fox"] }),
    rows: [{ a: 0, b: 0.25, c: 0.5 }],
    predictions: [{ label: "fox" }],
  },
  "too few labels": {
    files: {
      "model.onnx": model(matrix(3)),
      "data.csv": table("a,b,c,y", (row) => [...logits(row), ["cat", "dog", "fox"][row % 3]]),
    },
    args: ["--target", "y", "--labels", "cat,dog"],
    remedy: /(--labels) has 2 labels, the graph scores 3\. List every label once/,
    follow: ([, option = ""]) => ({ without: [option], args: [option, "cat,dog,fox"] }),
    rows: [{ a: 0, b: 0.25, c: 2.5 }],
    predictions: [{ label: "fox" }],
  },
  "one score for each of three labels": {
    files: { "model.onnx": model(matrix(1)), "data.csv": table("x,y", (row) => [number(row), row % 3]) },
    args: ["--target", "y", "--task", "classification"],
    remedy: /give (--task) (regression)/,
    follow: ([, option = "", task = ""]) => ({ without: [option], args: [option, task] }),
    ...echo,
  },
  "several columns of text": {
    files: {
      "model.onnx": model(tokenSumGraph),
      "data.csv": table("one,two,text,ids,tokens", (row) => [
        ...["a", "b", text(row), ids(text(row))],
        text(row).split(" ").length + 2,
      ]),
      "tokenizer.json": tinyTokenizer,
    },
    args: ["--target", "ids", "--target", "tokens", "--tokenizer", "tokenizer.json"],
    remedy: /besides the target: (\w+), (\w+), text.*Leave the others out with (--ignore)/,
    follow: ([, one = "", two = "", option = ""]) => ({ args: [option, one, option, two] }),
    rows: [{ text: "good bad" }],
    predictions: [{ scores: { ids: 10, tokens: 4 } }],
  },
  "an output of three dimensions": {
    files: {
      "model.onnx": model({
        nodes: [{ op: "Unsqueeze", inputs: ["X", "axis"], outputs: ["y"] }],
        initializers: [{ name: "axis", dims: [1], int64: [1] }],
        inputs: [{ name: "X", type: floatType, shape: ["N", 2] }],
        outputs: [{ name: "y", type: floatType, shape: ["N", 1, 2] }],
      }),
      "data.csv": table("a,b,y", (row) => [number(row), number(row + 7), row % 2]),
    },
    args: ["--target", "y"],
    remedy: /\((--task) (tensors), and (--ignore) <column> in place of (--target)\)/,
    follow: ([, task = "", name = "", ignore = "", target = ""]) => ({
      without: [target],
      args: [task, name, ignore, "y"],
    }),
    rows: [{ a: 1, b: 0.5 }],
    predictions: [{ tensors: { y: [[1, 0.5]] } }],
  },
  "a clustering with another target": {
    files: {
      "model.onnx": model({
        nodes: [
          { op: "Identity", inputs: ["X"], outputs: ["scores"] },
          {
            op: "ArgMin",
            inputs: ["X"],
            outputs: ["label"],
            attributes: [
              { name: "axis", int: 1 },
              { name: "keepdims", int: 0 },
            ],
          },
        ],
        inputs: [{ name: "X", type: floatType, shape: ["N", 2] }],
        outputs: [
          { name: "label", type: int64Type, shape: ["N"] },
          { name: "scores", type: floatType, shape: ["N", 2] },
        ],
      }),
      "data.csv": table("a,b,y", (row) => [number(row) + 1, number(row + 7) + 1, row % 2 ? "left" : "right"]),
    },
    args: ["--target", "y", "--task", "clustering"],
    remedy: /(--ignore) <column> in place of (--target)/,
    follow: ([, ignore = "", target = ""]) => ({ without: [target], args: [ignore, "y"] }),
    rows: [{ a: 1, b: 2 }],
    predictions: [{ label: "0" }],
  },
  "no target, and nothing that says what the outputs mean": {
    files: {
      "model.onnx": model(matrix(2)),
      "data.csv": table("a,b", (row) => [number(row), number(row + 7)]),
    },
    args: [],
    remedy: /Add (--target) <column>/,
    follow: ([, option = ""]) => ({ args: [option, "y", option, "z"], files: { "data.csv": twoValues } }),
    rows: [{ a: 1, b: 0.5 }],
    predictions: [{ scores: { y: 1, z: 0.5 } }],
  },
  "a folder in place of the file": {
    files: { "export/net.onnx": model(matrix(1)), "data.csv": oneColumn },
    args: ["--target", "y", "--onnx", "export"],
    remedy: /Name the ONNX file in it: (\S+)\./,
    follow: ([, file = ""]) => ({ without: ["--onnx"], args: ["--onnx", file] }),
    ...echo,
  },
  "a gzip": {
    files: { "net.onnx.gz": gzipSync(model(matrix(1))), "data.csv": oneColumn },
    args: ["--target", "y", "--onnx", "net.onnx.gz"],
    remedy: /Unpack it, and name the model inside:\n {4}(gunzip .*)/,
    follow: ([, shell = ""]) => ({ shell, without: ["--onnx"], args: ["--onnx", "net.onnx"] }),
    ...echo,
  },
  "versions that the runtime does not know": {
    files: { "model.onnx": model(matrix(1), { irVersion: 15, opsets: { "": 40 } }), "data.csv": oneColumn },
    args: ["--target", "y"],
    remedy: /opset_version=(\d+) .* model\.ir_version = (\d+)/,
    follow: ([, opset = "", ir = ""]) => ({
      files: { "model.onnx": model(matrix(1), { irVersion: Number(ir), opsets: { "": Number(opset) } }) },
    }),
    ...echo,
  },
  "a sequence as an output": {
    files: {
      "model.onnx": model({ ...matrix(2), outputs: [{ name: "y", sequence: true }] }),
      "data.csv": twoValues,
    },
    args: ["--target", "y", "--target", "z"],
    remedy: /Export its parts as tensors/,
    follow: () => ({ files: { "model.onnx": model(matrix(2)) } }),
    rows: [{ a: 1, b: 0.5 }],
    predictions: [{ scores: { y: 1, z: 0.5 } }],
  },
  "an element type that no one can send": {
    files: {
      "model.onnx": model({
        nodes: [{ op: "Cast", inputs: ["X"], outputs: ["y"], attributes: [{ name: "to", int: floatType }] }],
        inputs: [{ name: "X", type: 16, shape: ["N", 1] }],
        outputs: [{ name: "y", type: floatType, shape: ["N", 1] }],
      }),
      "data.csv": oneColumn,
    },
    args: ["--target", "y"],
    remedy: /Export it as float/,
    follow: () => ({ files: { "model.onnx": model(matrix(1)) } }),
    ...echo,
  },
  "random numbers in the graph": {
    files: {
      "model.onnx": model(withNode({ op: "RandomNormalLike", inputs: ["X"], outputs: ["extra"] })),
      "data.csv": twoValues,
    },
    args: ["--target", "y", "--target", "z"],
    remedy: /draws random numbers \((\w+)\).*without random operators/,
    follow: ([, operator = ""]) => ({
      files: {
        "model.onnx": model(
          withNode({
            op: operator === "RandomNormalLike" ? "Sub" : operator,
            inputs: ["X", "X"],
            outputs: ["extra"],
          }),
        ),
      },
    }),
    rows: [{ a: 1, b: 0.5 }],
    predictions: [{ scores: { y: 1, z: 0.5 } }],
  },
  "an operator over the rows": {
    files: {
      "model.onnx": model(
        withNode({
          op: "Softmax",
          inputs: ["X"],
          outputs: ["extra"],
          attributes: [{ name: "axis", int: 0 }],
        }),
      ),
      "data.csv": twoValues,
    },
    args: ["--target", "y", "--target", "z"],
    remedy: /\((\w+) can mix rows\).*operators along the columns \(axis (\d)\)/,
    follow: ([, op = "", axis = ""]) => ({
      files: {
        "model.onnx": model(
          withNode({
            op,
            inputs: ["X"],
            outputs: ["extra"],
            attributes: [{ name: "axis", int: Number(axis) }],
          }),
        ),
      },
    }),
    rows: [{ a: 1, b: 1 }],
    predictions: [{ scores: { y: 1.5, z: 1.5 } }],
  },
};

/** The options without the named ones and their values. */
const removeOptions = (args: readonly string[], names: readonly string[]): readonly string[] =>
  args.filter((arg, index) => !names.includes(arg) && !names.includes(args[index - 1] ?? ""));

describe("a refusal's remedy, taken from the message and followed, ends in a model that predicts right", () => {
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  beforeAll(async () => {
    folder = await createTemporaryFolder();
  });
  afterAll(() => folder.remove());

  const writeFiles = async (place: string, files: Files) => {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(place, name)), { recursive: true });
      await writeFile(join(place, name), content);
    }
  };
  /** What the command says: its refusal, or what it prints about the folder that it wrote. */
  const runNew = async (place: string, args: readonly string[]): Promise<string> => {
    const fileOptions = ["--onnx", "--data", "--tokenizer"];
    const paths = args.map((arg, index) =>
      fileOptions.includes(args[index - 1] ?? "") && !arg.startsWith("/") ? join(place, arg) : arg,
    );
    const named = paths.includes("--onnx") ? paths : [...paths, "--onnx", join(place, "model.onnx")];
    const rest = ["--data", join(place, "data.csv"), "--models", join(place, "models"), "--force"];
    const write = process.stdout.write;
    const exit = process.exitCode;
    let printed = "";
    process.stdout.write = (chunk: string | Uint8Array) => {
      printed += String(chunk);
      return true;
    };
    try {
      await newCommand().parseAsync(["mine", ...named, ...rest], { from: "user" });
      return printed;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      process.stdout.write = write;
      process.exitCode = exit;
    }
  };

  test.for(Object.entries(cases))(
    "%s",
    async ([name, { files, args, remedy, follow, rows, predictions }]) => {
      const place = join(folder.path, name.replaceAll(/\W/g, "-"));
      await writeFiles(place, files);
      const message = await runNew(place, args);
      expect(message).toMatch(remedy);
      const match = message.match(remedy);
      const followed = match ? follow(match) : {};
      await writeFiles(place, followed.files ?? {});
      if (followed.shell !== undefined) await run("sh", ["-c", followed.shell], { cwd: place });
      const printed = await runNew(place, [
        ...removeOptions(args, followed.without ?? []),
        ...(followed.args ?? []),
      ]);
      expect(printed).toContain("model.yaml, model.onnx");
      expect(printed).not.toContain("✗");
      expect(printed).not.toMatch(remedy);
      const served = await loadModelFolder(join(place, "models", "mine"));
      try {
        expect(await served.predict([...rows])).toMatchObject(predictions);
        expect(await readFile(join(place, "models", "mine", "golden.json"), "utf8")).toContain("predictions");
      } finally {
        await served.release();
      }
    },
  );
});
