import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { checkModel } from "#model-check/check-model.ts";
import { Manifest } from "#model-folder/manifest/manifest.ts";
import { predictByFunction } from "#test/support/predict-by-function.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { withModelFiles } from "#test/support/with-model-files.ts";
import { draftModelFolder } from "./draft-model-folder.ts";

const Case = z.object({
  target: z.array(z.string()),
  task: z.enum(Manifest.options.map(({ shape }) => shape.task.value)),
  options: z.object({ group: z.string().optional(), quantiles: z.array(z.number()).optional() }),
  predictions: z
    .array(
      z.object({
        label: z.string().optional(),
        labels: z.array(z.string()).optional(),
        scores: z.record(z.string(), z.number()),
      }),
    )
    .min(10),
});

/** Each with the gates that `new` can measure on its rows. */
const cases = {
  "isolation-forest-labels": ["accuracy", "auc", "f1"],
  "one-class-svm": ["accuracy", "auc", "f1"],
  "local-outlier-factor": [],
  kmeans: ["accuracy"],
  "gaussian-mixture": [],
  "multilabel-one-vs-rest": ["f1Micro", "f1Macro"],
  "multilabel-decision": ["f1Micro", "f1Macro"],
  "multilabel-mlp": ["f1Micro", "f1Macro"],
  "multilabel-forest": ["f1Micro", "f1Macro"],
  "multilabel-logits": ["f1Micro", "f1Macro"],
  "multilabel-multi-output": ["f1Micro", "f1Macro"],
  "quantile-columns": ["pinball", "coverage"],
  "quantile-outputs": ["pinball", "coverage"],
  "bayesian-ridge": ["mae", "rmse", "coverage"],
  "gaussian-process": ["mae", "rmse", "coverage"],
  "lightgbm-ranker": ["ndcg"],
  "xgboost-ranker": ["ndcg"],
} as const;

const casePath = (name: string, file: string): string =>
  join(import.meta.dirname, "..", "..", "test", "support", "onnx-exports", name, file);

describe("an export of another task is served without manual edits, and predicts like the library that trained it", () => {
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  beforeAll(async () => {
    folder = await createTemporaryFolder();
  });
  afterAll(() => folder.remove());

  test.for(Object.entries(cases))("%s", async ([name, gates]) => {
    const { target, task, options, predictions } = Case.parse(
      JSON.parse(await readFile(casePath(name, "case.json"), "utf8")),
    );
    const csv = await readFile(casePath(name, "data.csv"));
    const made = await draftModelFolder({
      name,
      onnx: await readFile(casePath(name, "model.onnx")),
      csv,
      csvName: "data.csv",
      targets: target,
      options: { task: undefined, group: options.group, quantiles: options.quantiles },
      tokenizer: undefined,
      ignored: [],
      predicted: { name: "python.json", bytes: new TextEncoder().encode(JSON.stringify(predictions)) },
      owner: undefined,
      approvers: [],
      policyApprovers: ["U024BE7LH"],
    });
    const problems = await checkModel({ model: name, files: made.files });
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    // Sixty rows have few anomalies and clusters.
    const others = problems.filter(({ message }) => !message.startsWith("too few rows of a label"));
    expect(others.length).toBe(target.length === 0 ? 1 : 0);
    expect(made.agreement).toContain("(python.json) agree on all");
    expect(made.files.has("holdout.csv")).toBe(target.length > 0);
    expect(made.doubt).toBeUndefined();
    expect(made.measured.map((score) => score.name)).toEqual(gates);

    await withModelFiles(join(folder.path, name), made.files, async (model) => {
      const { manifest } = model;
      expect(manifest.task).toBe(task);
      expect(Object.keys(manifest.gates)).toEqual(expect.arrayContaining([...gates]));
      const records = z
        .array(z.record(z.string(), z.string()))
        .parse(parse(csv, { columns: true }))
        .slice(0, predictions.length);
      const rows = records.map((record) =>
        Object.fromEntries(manifest.inputs.map(({ name }) => [name, Number(record[name])])),
      );
      const answered = await predictByFunction(model, rows);
      for (const [row, { label, labels, scores }] of predictions.entries()) {
        const answer = answered[row];
        expect(answer?.label).toBe(label);
        expect(answer?.labels).toEqual(labels);
        expect(Object.keys(answer?.scores ?? {}).toSorted()).toEqual(Object.keys(scores).toSorted());
        for (const [key, score] of Object.entries(scores))
          expect(Math.abs((answer?.scores[key] ?? Number.NaN) - score), `${key} of row ${row}`).toBeLessThan(
            Math.max(1e-5, Math.abs(score) * 1e-4),
          );
      }
    });
  });
});
