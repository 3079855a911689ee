import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { checkModel } from "#model-check/check-model.ts";
import type { Input, Row } from "#model-folder/manifest/manifest.ts";
import { predictByFunction } from "#test/support/predict-by-function.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { withModelFiles } from "#test/support/with-model-files.ts";
import { draftModelFolder } from "./draft-model-folder.ts";

const Case = z.object({
  target: z.union([z.string(), z.array(z.string())]),
  task: z.enum(["classification", "regression"]),
  predictions: z
    .array(z.object({ label: z.string().optional(), scores: z.record(z.string(), z.number()) }))
    .min(10),
});

/** Each as its exporter wrote it, with the types that its columns must be found to have. */
const cases = {
  "sklearn-columns": "integer number? category? category number integer",
  "sklearn-matrix": "number number number number",
  "random-forest": Array(13).fill("number").join(" "),
  "lightgbm-binary": "category integer boolean category number integer?",
  "xgboost-binary": "number number number number? number number",
  "xgboost-regression": Array(10).fill("number").join(" "),
  "mlp-logits": Array(64).fill("integer").join(" "),
  "sigmoid-column": "integer number number integer",
  "ridge-double": "number integer number boolean boolean",
  "hist-gradient-boosting": "number? number? number? integer",
  "string-matrix": "category category category category category",
  "multi-output": "integer number number integer",
  "catboost-binary": Array(5).fill("number").join(" "),
  "catboost-text-labels": "number number number number",
  "sklearn-zipmap": "number number number number",
  "sklearn-zipmap-columns": "number number number number",
  "sklearn-no-shape": "number number number number",
  "sklearn-newest-versions": "number number number number",
  "torch-fixed-batch": "number number number number",
  "torch-embedding": "integer integer",
};

const casePath = (name: string, file: string): string =>
  join(import.meta.dirname, "..", "..", "test", "support", "onnx-exports", name, file);
const readCase = async (name: string) => {
  const described = Case.parse(JSON.parse(await readFile(casePath(name, "case.json"), "utf8")));
  return { ...described, targets: [described.target].flat() };
};

/** A cell as an application that reads /v1/model would send it. */
const toInputValue = (text: string, { type }: Input): Row[string] => {
  if (text === "") return null;
  if (type === "boolean") return text.toLowerCase() === "true";
  return type === "integer" || type === "number" ? Number(text) : text;
};

/** The table's first rows under the manifest's names: all of these graphs take the columns in the table's order. */
const readFirstRows = (
  csv: string,
  targets: readonly string[],
  inputs: readonly Input[],
  count: number,
): Row[] => {
  const [header = [], ...records] = z.array(z.array(z.string())).parse(parse(csv));
  const columns = header.flatMap((name, column) => (targets.includes(name) ? [] : [column]));
  return records
    .slice(0, count)
    .map((record) =>
      Object.fromEntries(
        inputs.map((input, place) => [input.name, toInputValue(record[columns[place] ?? -1] ?? "", input)]),
      ),
    );
};

describe("an export is served without manual edits, and predicts like the library that trained it", () => {
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  beforeAll(async () => {
    folder = await createTemporaryFolder();
  });
  afterAll(() => folder.remove());

  test.for(Object.entries(cases))("%s", async ([name, types]) => {
    const { targets, task, predictions } = await readCase(name);
    const csv = await readFile(casePath(name, "data.csv"));
    const made = await draftModelFolder({
      name,
      onnx: await readFile(casePath(name, "model.onnx")),
      csv,
      csvName: "data.csv",
      targets,
      tokenizer: undefined,
      ignored: [],
      owner: undefined,
      approvers: [],
      policyApprovers: ["U024BE7LH"],
    });
    const problems = await checkModel({ model: name, files: made.files });
    // Ten digits of 300 rows: some have fewer than 30.
    expect(problems.filter(({ path }) => path !== "label")).toEqual([]);
    expect(problems.length, "labels with too few rows").toBe(name === "mlp-logits" ? 1 : 0);
    expect(made.doubt).toBeUndefined();

    await withModelFiles(join(folder.path, name), made.files, async (model) => {
      const { manifest } = model;
      expect(manifest.task).toBe(task);
      expect(manifest.inputs.map(({ type, required }) => `${type}${required ? "" : "?"}`).join(" ")).toBe(
        types,
      );
      const rows = readFirstRows(csv.toString("utf8"), targets, manifest.inputs, predictions.length);
      const answered = await predictByFunction(model, rows);
      for (const [row, { label, scores }] of predictions.entries()) {
        const answer = answered[row];
        expect(answer?.label).toBe(label);
        expect(Object.keys(answer?.scores ?? {}).toSorted()).toEqual(Object.keys(scores).toSorted());
        for (const [key, score] of Object.entries(scores))
          expect(Math.abs((answer?.scores[key] ?? Number.NaN) - score), `${key} of row ${row}`).toBeLessThan(
            Math.max(1e-5, Math.abs(score) * 1e-4),
          );
      }
    });
  });
});
