import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkModel } from "#model-check/check-model.ts";
import { Golden } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { tinyTokenizer } from "#test/support/onnx/tiny-tokenizer.ts";
import { tokenSumGraph } from "#test/support/onnx/token-sum-graph.ts";
import { boolType, floatType, int64Type, type Value, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { draftModelFolder, type ModelSource } from "./draft-model-folder.ts";

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

  test("ZipMap, text models without tokenizer, fixed batches and files that are not ONNX say what to export", async () => {
    const onnx = (bytes: Uint8Array) =>
      bring("sklearn-columns", numbers(9, String), { onnx: bytes, targets: ["truth"] });
    await expect(onnx(graph([column("x")], [{ name: "p", sequence: true }]))).rejects.toThrow(
      "'zipmap': False",
    );
    await expect(onnx(graph([column("input_ids", int64Type)], [column("y")]))).rejects.toThrow(
      "needs its tokenizer",
    );
    await expect(onnx(graph([{ name: "x", type: floatType, shape: [1, 1] }], [column("y")]))).rejects.toThrow(
      "Export with a dynamic first dimension",
    );
    await expect(
      onnx(graph([{ name: "x", type: floatType, shape: ["N", 3, 8, 8] }], [column("y")])),
    ).rejects.toThrow("a tensor of 4 dimensions");
    await expect(onnx(new TextEncoder().encode("no model"))).rejects.toEqual(
      expect.objectContaining({ name: "ModelUnreadable" }),
    );
  });

  test("tables that cannot be read say why: separators, names twice, no rows, no UTF-8, cells too many", async () => {
    await expect(echo("x;truth\n1;2\n")).rejects.toThrow("separates its columns by semicolons");
    await expect(echo("x,x,truth\n1,2,3\n")).rejects.toThrow("two columns named x");
    await expect(echo("x,truth\n")).rejects.toThrow("holds 0 rows");
    await expect(echo("x,truth\n1,2,3\n")).rejects.toThrow("line 2");
    await expect(echo("", floatType, { csv: Uint8Array.of(120, 0xff, 10) })).rejects.toThrow(
      "is not UTF-8 text",
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

  test("labels that the graph does not contain get the order that fits the rows", async () => {
    // The digits' names are exchanged: only the rows show that the network's first output is for 9.
    const csv = exported("mlp-logits", "data.csv").toString("utf8").trim().split("\n");
    const [header, ...lines] = csv;
    const turned = [
      header,
      ...lines.map((line) => line.replace(/\d$/, (digit) => `digit ${9 - Number(digit)}`)),
    ];
    const { output } = manifestOf(await bring("mlp-logits", turned.join("\n"), { targets: ["digit"] }));
    expect(output).toMatchObject({ labels: [9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((digit) => `digit ${digit}`) });
  });

  test("one score is for the label whose rows score higher, regardless of its name", async () => {
    const csv = exported("sigmoid-column", "data.csv").toString("utf8");
    const renamed = csv.replaceAll(/,yes$/gm, ",broken").replaceAll(/,no$/gm, ",running");
    expect(manifestOf(await bring("sigmoid-column", renamed, { targets: ["failed"] })).output).toMatchObject({
      labels: ["running", "broken"],
      scores: "probabilities",
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

  test("is written with its tokenizer, and its golden rows are the graph's outputs for their tokens", async () => {
    const { files } = await read({});
    expect(manifestOf({ files })).toMatchObject({
      inputs: [{ name: "review", type: "string", maxLength: 100, required: true }],
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
