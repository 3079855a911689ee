import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createFeeds } from "#inference/model/create-feeds.ts";
import { openSession } from "#inference/model/session.ts";
import { checkModel } from "#model-check/check-model.ts";
import { Golden } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { bindInputs } from "#model-folder/onnx/bind-inputs.ts";
import { encodeRows } from "#model-folder/rows/encode-rows.ts";
import { tinyTokenizer } from "#test/support/onnx/tiny-tokenizer.ts";
import { tokenSumGraph } from "#test/support/onnx/token-sum-graph.ts";
import { boolType, floatType, int64Type, type Value, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { draftModelFolder } from "./draft-model-folder.ts";
import type { ModelSource } from "./model-source.ts";

const exported = (name: string, file: string) =>
  readFileSync(join(import.meta.dirname, "..", "..", "test", "support", "onnx-exports", name, file));
const tickets = exported("string-matrix", "data.csv").toString("utf8");
const loans = exported("sklearn-columns", "data.csv").toString("utf8");

const bring = (name: string, csv: string, changes: Partial<ModelSource> = {}) =>
  draftModelFolder({
    name: "mine",
    onnx: exported(name, "model.onnx"),
    csv: new TextEncoder().encode(csv),
    csvName: "data.csv",
    targets: ["outcome"],
    tokenizer: undefined,
    ignored: [],
    owner: undefined,
    approvers: [],
    policyApprovers: ["U024BE7LH"],
    ...changes,
  });
const yamlOf = ({ files }: { files: ReadonlyMap<string, Uint8Array> }) =>
  new TextDecoder().decode(files.get("model.yaml"));
const manifestOf = (made: { files: ReadonlyMap<string, Uint8Array> }) => readManifest(yamlOf(made));

/** A graph of these inputs that answers [N, 1] of the first one. */
const graph = (inputs: readonly Value[], outputs: readonly Value[]) =>
  writeOnnx({
    graph: {
      inputs,
      outputs,
      nodes: [{ op: "Identity", inputs: [inputs[0]?.name ?? ""], outputs: [outputs[0]?.name ?? ""] }],
    },
  });
const column = (name: string, type = floatType): Value => ({ name, type, shape: ["N", 1] });
const echo = (csv: string, type = floatType, changes: Partial<ModelSource> = {}) =>
  bring("sklearn-columns", csv, {
    onnx: graph([column("x", type)], [column("y")]),
    targets: ["truth"],
    ...changes,
  });
const numbers = (rows: number, cell: (row: number) => unknown) =>
  `x,truth\n${Array.from({ length: rows }, (_, row) => `${cell(row)},${row + 0.5}\n`).join("")}`;

test("text that becomes an index in a matrix is a guess with the score of another numbering", async () => {
  // A training that wrote ja as 1 and nein as 0; sorted they are 0 and 1.
  const rows = Array.from({ length: 80 }, (_, row) => (row % 3 === 0 ? "ja" : "nein"));
  const csv = `x,pad,truth\n${rows.map((text, row) => `${text},${row % 7},${text === "ja" ? 1 : 0}\n`).join("")}`;
  const first = writeOnnx({
    graph: {
      inputs: [{ name: "X", type: floatType, shape: ["N", 2] }],
      outputs: [{ name: "y", type: floatType, shape: ["N", 1] }],
      nodes: [
        { op: "Gather", inputs: ["X", "zero"], outputs: ["y"], attributes: [{ name: "axis", int: 1 }] },
      ],
      initializers: [{ name: "zero", dims: [1], int64: [0] }],
    },
  });
  const draft = await bring("sklearn-columns", csv, {
    onnx: first,
    targets: ["truth"],
    options: { task: "regression" },
  });
  expect(draft.scoredGuesses).toContainEqual({
    subject: "codes",
    choice: expect.stringContaining("x becomes the index of its sorted values: ja 0, nein 1"),
    alternative: expect.stringMatching(/with nein 0, ja 1 it would be mean absolute error 0:/),
    isDoubtful: true,
  });
});

describe("input that makes no model is refused with the remedy", () => {
  test("columns without an input of the graph are named, and --ignore removes them", async () => {
    const [header, ...lines] = loans.trim().split("\n");
    const wider = [`id,${header}`, ...lines.map((line, row) => `${row},${line}`)].join("\n");
    await expect(bring("sklearn-columns", wider)).rejects.toThrow(
      "the graph has no input for the column id (its inputs are age, income, employment, home, debt_ratio, existing_customer). Leave them out with --ignore <column>.",
    );
    expect(manifestOf(await bring("sklearn-columns", wider, { ignored: ["id"] })).inputs).toHaveLength(6);
  });

  test("a matrix of another width than the CSV is refused with both counts", () =>
    expect(bring("string-matrix", tickets, { targets: ["priority"], ignored: ["tier"] })).rejects.toThrow(
      "the graph has 5 columns (input: 5), the CSV has 4 besides the target: channel, product, region, outage.",
    ));

  test("an unknown target or ignored column is an error of the command line", async () => {
    const wrong = expect.objectContaining({ name: "UsageMistake" });
    await expect(bring("sklearn-columns", loans, { targets: ["outcom"] })).rejects.toEqual(wrong);
    await expect(bring("sklearn-columns", loans, { ignored: ["id"] })).rejects.toEqual(wrong);
  });

  test("sequences, text models without tokenizer, batches above a request's rows and files that are not ONNX say what to export", async () => {
    const onnx = (bytes: Uint8Array) =>
      bring("sklearn-columns", numbers(9, String), { onnx: bytes, targets: ["truth"] });
    await expect(onnx(graph([column("x")], [{ name: "p", sequence: true }]))).rejects.toThrow(
      "'zipmap': False",
    );
    await expect(onnx(graph([column("input_ids", int64Type)], [column("y")]))).rejects.toThrow(
      "needs its tokenizer",
    );
    await expect(
      onnx(graph([{ name: "x", type: floatType, shape: [20_000, 1] }], [column("y")])),
    ).rejects.toThrow("Export with an open first dimension");
    await expect(
      onnx(graph([{ name: "x", type: floatType, shape: ["N", 3, 8, 8] }], [column("y")])),
    ).rejects.toThrow("a tensor of 4 dimensions");
    await expect(onnx(new TextEncoder().encode("no model"))).rejects.toEqual(
      expect.objectContaining({ name: "ModelUnreadable" }),
    );
  });

  test("a range is that of the table in the graph that the input selects rows of", async () => {
    const onnx = writeOnnx({
      graph: {
        nodes: [
          { op: "Gather", inputs: ["T", "x"], outputs: ["g"] },
          { op: "Squeeze", inputs: ["g", "k"], outputs: ["y"] },
        ],
        initializers: [
          { name: "T", type: floatType, dims: [50, 1], float: Array.from({ length: 50 }, (_, row) => row) },
          { name: "k", dims: [1], int64: [2] },
        ],
        inputs: [column("x", int64Type)],
        outputs: [column("y")],
      },
    });
    const drafted = await bring(
      "sklearn-columns",
      numbers(40, (row) => row % 40),
      { onnx, targets: ["truth"] },
    );
    expect(manifestOf(drafted).inputs).toMatchObject([{ name: "x", type: "integer", min: 0, max: 49 }]);
  });

  test("tables that cannot be read say why: separators, names twice, no rows, no UTF-8, cells too many", async () => {
    await expect(echo("x,x,truth\n1,2,3\n")).rejects.toThrow("two columns named x");
    await expect(echo("x,truth\n")).rejects.toThrow("holds 0 rows");
    await expect(echo("x,truth\n1,2,3\n")).rejects.toThrow("line 2");
    await expect(echo("", floatType, { csv: Uint8Array.of(120, 0xff, 10) })).rejects.toThrow(
      "is not UTF-8: line 1 has, read as Windows-1252",
    );
    await expect(echo(`x,truth\n${"1,2\n".repeat(100_001)}`)).rejects.toThrow("holds 100001 rows");
  });

  test("cells that the graph's type cannot hold are shown", async () => {
    await expect(echo(numbers(9, () => "a lot"))).rejects.toThrow('holds text ("a lot")');
    await expect(
      echo(
        numbers(9, (row) => row + 0.5),
        int64Type,
      ),
    ).rejects.toThrow("holds fractions");
    await expect(
      echo(
        numbers(9, (row) => row),
        boolType,
      ),
    ).rejects.toThrow("holds values other than true and false");
    await expect(echo(numbers(9, () => ""))).rejects.toThrow("is empty");
  });

  test("a target with other labels than the graph scores is refused", () =>
    expect(bring("string-matrix", tickets.replace("P1", "P0"), { targets: ["priority"] })).rejects.toThrow(
      "the graph scores 3 labels, the target has 4 (P0, P1, P2, P3)",
    ));
});

const open = { task: undefined, labels: undefined, positive: undefined };

describe("the rows decide what the graph does not contain", () => {
  test("an input is required, and rows without it are left out, if the model does not accept missing values", async () => {
    // Identity gives a gap back as NaN, which is no answer.
    const made = await echo(numbers(40, (row) => (row % 10 === 0 ? "" : row)));
    expect(manifestOf(made).inputs[0]).toMatchObject({ required: true });
    expect(made.notes).toEqual([
      "Skipped rows with missing values in x: the model does not accept them.",
      "Skipped 4 of 40 rows without the target or a required input.",
    ]);
    expect(made.rows).toBe(36);
  });

  test("labels that the graph does not contain are sorted, and a better order is shown but not taken", async () => {
    // The digits' names are exchanged: the network's first output is for 9.
    const csv = exported("mlp-logits", "data.csv").toString("utf8").trim().split("\n");
    const [header, ...lines] = csv;
    const turned = [
      header,
      ...lines.map((line) => line.replace(/\d$/, (digit) => `digit ${9 - Number(digit)}`)),
    ];
    const digits = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((digit) => `digit ${digit}`);
    const made = await bring("mlp-logits", turned.join("\n"), { targets: ["digit"] });
    expect(manifestOf(made).output).toMatchObject({ labels: digits.toReversed() });
    expect(made.scoredGuesses[0]).toMatchObject({ subject: "labels", isDoubtful: true });
    expect(made.scoredGuesses[0]?.alternative).toContain(`--labels "${digits.join(",")}"`);
    expect(made.doubt).toContain("no better than a constant prediction");

    const decided = await bring("mlp-logits", turned.join("\n"), {
      targets: ["digit"],
      options: { ...open, labels: digits },
    });
    expect(manifestOf(decided).output).toMatchObject({ labels: digits });
    expect(decided.scoredGuesses.some(({ subject }) => subject === "labels")).toBe(false);
    expect(decided.doubt).toBeUndefined();
  });

  test("one score is for the second of the sorted labels, unless --positive or --labels says another", async () => {
    const csv = exported("sigmoid-column", "data.csv").toString("utf8");
    const renamed = csv.replaceAll(/,yes$/gm, ",broken").replaceAll(/,no$/gm, ",running");
    const read = (options?: ModelSource["options"]) =>
      bring("sigmoid-column", renamed, { targets: ["failed"], options });
    const made = await read();
    expect(manifestOf(made).output).toMatchObject({ labels: ["broken", "running"], scores: "probabilities" });
    expect(made.scoredGuesses[0]).toMatchObject({ subject: "labels", isDoubtful: true });
    for (const output of [
      { ...open, positive: "broken" },
      { ...open, labels: ["running", "broken"] },
    ])
      expect(manifestOf(await read(output)).output).toMatchObject({ labels: ["running", "broken"] });
  });

  test("--labels adds labels that no row has, and refuses lists that do not fit", async () => {
    const csv = `x,truth\n${Array.from({ length: 60 }, (_, row) => `${row},${["low", "high"][row % 2]}\n`).join("")}`;
    const onnx = writeOnnx({
      graph: {
        inputs: [column("x")],
        outputs: [{ name: "scores", type: floatType, shape: ["N", 3] }],
        initializers: [{ name: "turn", type: floatType, dims: [1, 3], float: [1, -1, 0] }],
        nodes: [{ op: "MatMul", inputs: ["x", "turn"], outputs: ["scores"] }],
      },
    });
    const read = (labels?: readonly string[]) => echo(csv, floatType, { onnx, options: { ...open, labels } });
    await expect(read()).rejects.toThrow(
      "the graph scores 3 labels, the target has 2 (high, low). List all labels in the order of the scores' columns (--labels a,b,c), or add rows with the missing labels.",
    );
    expect(manifestOf(await read(["low", "middle", "high"])).output).toMatchObject({
      labels: ["low", "middle", "high"],
    });
    await expect(read(["low", "high"])).rejects.toThrow("--labels has 2 labels, the graph scores 3");
    await expect(read(["low", "middle", "top"])).rejects.toThrow("--labels lacks high, which the target has");
  });

  test("01 and 1 are two labels, and null is one where --labels lists it", async () => {
    const onnx = writeOnnx({
      graph: {
        inputs: [column("x")],
        outputs: [{ name: "scores", type: floatType, shape: ["N", 3] }],
        initializers: [{ name: "turn", type: floatType, dims: [1, 3], float: [1, -1, 0] }],
        nodes: [{ op: "MatMul", inputs: ["x", "turn"], outputs: ["scores"] }],
      },
    });
    const read = (words: readonly string[], labels?: readonly string[]) =>
      echo(
        `x,truth\n${Array.from({ length: 60 }, (_, row) => `${row},${words[row % 3]}\n`).join("")}`,
        floatType,
        {
          onnx,
          options: { ...open, labels },
        },
      );
    expect(manifestOf(await read(["1", "01", "10"])).output).toMatchObject({ labels: ["01", "1", "10"] });
    await expect(read(["null", "EU", "US"])).rejects.toThrow(/only where --labels lists it/);
    const made = await read(["null", "EU", "US"], ["EU", "US", "null"]);
    expect(made.rows).toBe(60);
  });

  test("an option that the task has no use for is refused, never ignored", async () => {
    const csv = `x,truth,other\n${Array.from({ length: 60 }, (_, row) => `${row},${row / 7},${row}\n`).join("")}`;
    const read = (options: object) =>
      echo(csv, floatType, { ignored: ["other"], options: { ...open, task: "regression", ...options } });
    await expect(read({ labels: ["a", "b"] })).rejects.toThrow(/--labels has no effect.*task regression/);
    await expect(read({ positive: "a" })).rejects.toThrow(/--positive has no effect/);
    await expect(read({ group: "other" })).rejects.toThrow(
      /--group has no effect.*--ignore leaves a column out/,
    );
  });

  test("one raw score and a target of 0 and 1 are a classification, and --task makes a regression of it", async () => {
    const csv = `x,truth\n${Array.from({ length: 80 }, (_, row) => `${row - 40},${row < 40 ? 0 : 1}\n`).join("")}`;
    const made = await echo(csv);
    expect(manifestOf(made)).toMatchObject({
      task: "classification",
      output: { labels: ["0", "1"], positive: "1", scores: "logits" },
    });
    expect(made.scoredGuesses.map(({ subject }) => subject)).toEqual(["task", "labels", "scores"]);
    expect(made.scoredGuesses[0]?.alternative).toBe(
      "as a regression the mean absolute error would be 19.5: --task regression",
    );
    const other = await echo(csv, floatType, { options: { ...open, task: "regression" } });
    expect(manifestOf(other).task).toBe("regression");
  });

  test("a label that is spelled like a missing value is a label where the graph has it", async () => {
    const onnx = Buffer.from(
      exported("string-matrix", "model.onnx").toString("latin1").replaceAll("P3", "NA"),
      "latin1",
    );
    const made = await bring("string-matrix", tickets.replaceAll("P3", "NA"), {
      onnx,
      targets: ["priority"],
    });
    expect(manifestOf(made).output).toMatchObject({ labels: ["P1", "P2", "NA"] });
    expect([made.rows, made.notes]).toEqual([400, []]);
  });

  test("another order of a matrix's columns is measured too", async () => {
    const csv = readFileSync(
      join(import.meta.dirname, "..", "..", "test", "support", "onnx-exports", "sklearn-matrix", "data.csv"),
    ).toString("utf8");
    const rows = csv
      .trim()
      .split("\n")
      .map((line) => line.split(","));
    // The columns of training, turned: in alphabetical order none of them is where it was.
    const order = rows[0]?.slice(0, 4).map((_, at) => at) ?? [];
    const straight = await bring("sklearn-matrix", csv, { targets: ["species"] });
    const guess = straight.scoredGuesses.find(({ subject }) => subject === "columns");
    expect(guess).toMatchObject({ isDoubtful: false });
    const names = ["d", "c", "b", "a", "species"];
    const turned = rows
      .map((row, line) =>
        [...(line === 0 ? names : [...order.toReversed().map((at) => row[at]), row[4]])].join(","),
      )
      .join("\n");
    const wrong = await bring("sklearn-matrix", turned, { targets: ["species"] });
    expect(wrong.scoredGuesses.find(({ subject }) => subject === "columns")).toMatchObject({
      isDoubtful: true,
      alternative: expect.stringContaining("in alphabetical order it would be accuracy 0.97"),
    });
  });

  test("pandas' row numbers are left out, and True, NaN and 1.0 are read as they were meant", async () => {
    const csv = exported("lightgbm-binary", "data.csv").toString("utf8").trim().split("\n");
    const [header, ...lines] = csv;
    const written = lines.map(
      (line, row) => `${row},${line.replace(",,", ",NaN,").replace(/,(\d)$/, ",$1.0")}`,
    );
    const made = await bring("lightgbm-binary", [`,${header}`, ...written].join("\n"), { targets: ["busy"] });
    const plain = await bring("lightgbm-binary", csv.join("\n"), { targets: ["busy"] });
    expect(made.files.get("holdout.csv")).toEqual(plain.files.get("holdout.csv"));
    expect(made.notes).toEqual(["The first column was left out: it has no name (pandas' row numbers)."]);
  });

  test("integers beyond 2^53 keep all digits, as text of an int64 input", async () => {
    const ids = ["1835849871777350123", "1793367384065389557", "-9223372036854775808", "12"];
    const onnx = writeOnnx({
      graph: {
        inputs: [column("id", int64Type)],
        outputs: [column("y", int64Type)],
        nodes: [{ op: "Identity", inputs: ["id"], outputs: ["y"] }],
      },
    });
    const inputs = [{ name: "id", type: "string", maxLength: 20, format: "int64", required: true }] as const;
    const session = await openSession({ bytes: onnx });
    const bound = bindInputs({ inputs: [...inputs] }, session.inputs);
    const encoded = encodeRows(bound.status === "bound" ? bound.columns : [])(ids.map((id) => ({ id })));
    const [feed] = encoded.status === "encoded" ? encoded.feeds : [];
    if (!feed) throw new Error(JSON.stringify(encoded));
    const [output] = await session.run(createFeeds([feed]), ["y"]);
    expect(output).toEqual(BigInt64Array.from(ids, BigInt));
    await session.release();

    const csv = `id,truth\n${Array.from({ length: 40 }, (_, row) => `${1835849871777350123n + BigInt(row)},${row + 0.5}\n`).join("")}`;
    const made = await bring("sklearn-columns", csv, {
      onnx: writeOnnx({
        graph: {
          inputs: [column("id", int64Type)],
          outputs: [column("y")],
          nodes: [{ op: "Cast", inputs: ["id"], outputs: ["y"], attributes: [{ name: "to", int: 1 }] }],
        },
      }),
      targets: ["truth"],
    });
    expect(manifestOf(made).inputs).toEqual(inputs);
    expect(Buffer.from(made.files.get("holdout.csv") ?? []).toString()).toContain("1835849871777350123,0.5");
    const inexact = csv.replace("1835849871777350124", "1.8358498717773501e18");
    await expect(
      bring("sklearn-columns", inexact, {
        onnx: graph([column("id", int64Type)], [column("y")]),
        targets: ["truth"],
      }),
    ).rejects.toThrow("which has lost digits");
  });

  test("yes and no are flags where the graph takes bool; a mixture of pairs is none", async () => {
    const onnx = (cells: readonly string[]) =>
      bring(
        "sklearn-columns",
        `ok,x,truth\n${Array.from({ length: 40 }, (_, row) => `${cells[row % cells.length]},${row},${row + 0.5}\n`).join("")}`,
        {
          onnx: writeOnnx({
            graph: {
              inputs: [column("ok", boolType), column("x")],
              outputs: [column("y")],
              nodes: [{ op: "Where", inputs: ["ok", "x", "x"], outputs: ["y"] }],
            },
          }),
          targets: ["truth"],
        },
      );
    const made = await onnx(["Yes", "no"]);
    expect(manifestOf(made).inputs[0]).toEqual({ name: "ok", type: "boolean", required: true });
    expect(yamlOf(made)).toContain("data: yes became true, no false");
    expect(
      Golden.parse(JSON.parse(Buffer.from(made.files.get("golden.json") ?? []).toString())).rows[0],
    ).toEqual({ ok: true, x: 0 });
    await expect(onnx(["yes", "off"])).rejects.toThrow("holds values other than true and false");
  });

  test("a column named label, X or in any script keeps its name, and the folder passes the check", async () => {
    const csv = `label,X,年齢,"a, b",__proto__,truth\n${Array.from({ length: 40 }, (_, row) => `${row},1,2,3,4,${row + 0.5}\n`).join("")}`;
    const made = await bring("sklearn-columns", csv, {
      onnx: writeOnnx({
        graph: {
          inputs: [{ name: "X", type: floatType, shape: ["N", 5] }],
          outputs: [{ name: "y", type: floatType, shape: ["N"] }],
          nodes: [
            {
              op: "ReduceSum",
              inputs: ["X", "axes"],
              outputs: ["y"],
              attributes: [{ name: "keepdims", int: 0 }],
            },
          ],
          initializers: [{ name: "axes", type: int64Type, dims: [1], int64: [1] }],
        },
      }),
      targets: ["truth"],
    });
    expect(manifestOf(made).inputs.map(({ name }) => name)).toEqual([
      "label",
      "X",
      "年齢",
      "a, b",
      "__proto__",
    ]);
    expect(Buffer.from(made.files.get("holdout.csv") ?? []).toString()).toMatch(
      /^label,X,年齢,"a, b",__proto__,truth\.label\n/,
    );
    expect(await checkModel({ model: "mine", files: made.files })).toEqual([]);
  });

  test("of many rows the same thousand are kept each time", async () => {
    const csv = numbers(3_000, String);
    const [one, other] = [await echo(csv), await echo(csv)];
    expect(one.rows).toBe(1_000);
    expect(one.files.get("holdout.csv")).toEqual(other.files.get("holdout.csv"));
  });
});

describe("a model's floor is its own score", () => {
  test("a model that is worse than no model is written, with a doubt", async () => {
    const made = await echo(numbers(50, (row) => 50 - row));
    expect(made.doubt).toContain("no better than a constant prediction");
    expect(manifestOf(made).task).toBe("regression");
  });

  test("each guess is marked in the manifest; a named owner and approver are not guesses", async () => {
    const made = await bring("sklearn-columns", loans);
    expect(yamlOf(made).match(/# review: .*/g)).toEqual([
      "# review: who owns this model?",
      "# review: ranges are the data's, widened by half their span on both sides; only the data's categories are valid",
      "# review: positive: defaulted",
      expect.stringContaining("# review: on holdout.csv the model has accuracy 0.81"),
      "# review: are these the right limits for the next version?",
      "# review: who may approve?",
      "# review: may Slipway keep the inputs of predictions, and how long?",
    ]);
    const named = await bring("sklearn-columns", loans, {
      owner: "risk@example.com",
      approvers: ["U0RISK1"],
    });
    expect(yamlOf(named)).not.toMatch(/who owns|who may approve/);
    expect(manifestOf(named)).toMatchObject({
      owner: "risk@example.com",
      approval: { approvers: ["U0RISK1"] },
    });
  });

  test("text with line breaks, quotes and YAML's own words stays what it was", async () => {
    const odd = tickets.replaceAll("portal", '"say ""no"" # yes:"').replaceAll("EMEA", "no");
    const made = await bring("string-matrix", odd, { targets: ["priority"] });
    const values = manifestOf(made).inputs.flatMap((input) => ("values" in input ? input.values : []));
    expect(values).toEqual(expect.arrayContaining(['say "no" # yes:', "no", "1"]));
  });
});

describe("a text model", () => {
  const sentences = ["good", "bad good", "what a good day", "bad"];
  const rows = Array.from({ length: 12 }, (_, at) => sentences[at % 4] ?? "");
  const csv = `review,ids,tokens\n${rows.map((text, at) => `${text},${at},${text.length}\n`).join("")}`;
  const read = (changes: Partial<ModelSource>) =>
    bring("sklearn-columns", csv, {
      onnx: writeOnnx({ graph: tokenSumGraph }),
      targets: ["ids", "tokens"],
      tokenizer: { bytes: tinyTokenizer, maxTokens: 8 },
      ...changes,
    });

  test("says how many texts are cut off, and what the score would be with more tokens", async () => {
    const long = `review,ids,tokens\n${Array.from({ length: 12 }, (_, at) => `${at < 5 ? "good bad good bad good bad good bad good" : "good"},${at},${at}\n`).join("")}`;
    const made = await read({ csv: new TextEncoder().encode(long) });
    expect(made.scoredGuesses).toMatchObject([
      {
        subject: "truncation",
        choice: expect.stringContaining("5 of 12 texts are cut off after 8 tokens (mean absolute error"),
        alternative: expect.stringMatching(
          /^with 16 tokens it would be mean absolute error .*: --max-tokens 16$/,
        ),
      },
    ]);
    expect((await read({})).scoredGuesses).toEqual([]);
  });

  test("is written with its tokenizer, and its golden rows are the graph's outputs for their tokens", async () => {
    const { files } = await read({});
    expect(manifestOf({ files })).toMatchObject({
      inputs: [{ name: "review", type: "string", maxLength: 10_000, required: true }],
      tokenizer: { file: "tokenizer.json", maxTokens: 8 },
      output: { names: ["ids", "tokens"] },
    });
    const golden = Golden.parse(JSON.parse(new TextDecoder().decode(files.get("golden.json"))));
    // [CLS] 1, bad 4, good 3, [SEP] 2; unknown words are 0. The batches are by length, the answers in the rows' order.
    expect(golden.predictions.slice(0, 4).map(({ scores }) => scores)).toEqual([
      { ids: 6, tokens: 3 },
      { ids: 10, tokens: 4 },
      { ids: 6, tokens: 6 },
      { ids: 7, tokens: 3 },
    ]);
    expect(await checkModel({ model: "mine", files })).toEqual([]);
  });

  test("takes one column, and a tokenizer fits no other graph", async () => {
    await expect(read({ targets: ["ids"] })).rejects.toThrow(
      "a text model has one column of text, or two that are a pair; the CSV has 2",
    );
    await expect(read({ onnx: exported("sklearn-matrix", "model.onnx") })).rejects.toThrow(
      "Remove --tokenizer",
    );
  });
});
