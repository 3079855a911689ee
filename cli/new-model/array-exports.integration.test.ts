import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { checkModel } from "#model-check/check-model.ts";
import { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { compareGolden } from "#model-folder/rows/compare-golden.ts";
import { predictByFunction } from "#test/support/predict-by-function.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { withModelFiles } from "#test/support/with-model-files.ts";
import { draftModelFolder } from "./draft-model-folder.ts";

const Case = z.object({
  target: z.array(z.string()),
  task: z.enum(Manifest.options.map(({ shape }) => shape.task.value)),
  options: z.object({ task: z.enum(["embedding"]).optional() }),
  predictions: z.array(Prediction).min(10),
});

const square = (size: number) => ({ width: size, height: size });
/** Each with the inputs that `new` writes, and the gates that it can measure. */
const cases = {
  "torch-image-tensor": [
    [{ name: "image", type: "tensor", element: "float32", shape: [3, 8, 8] }],
    ["accuracy"],
  ],
  "torch-image-files": [
    [{ name: "photo", type: "image", ...square(12), resize: "none", layout: "NCHW", scale: "1/255" }],
    ["accuracy"],
  ],
  "torch-image-uint8": [
    [{ name: "image", type: "tensor", element: "uint8", shape: [6, 6, 3] }],
    ["accuracy"],
  ],
  "torch-window-columns": [[{ name: "t0_a", type: "number" }], ["mae", "rmse"]],
  "torch-two-heads": [[{ name: "a", type: "number" }], ["accuracy"]],
  "torch-vectors": [[{ name: "window", type: "tensor", element: "float32", shape: [12, 2] }], []],
  "torch-float16-tensors": [[{ name: "image", type: "tensor", element: "float16", shape: [1, 4, 5] }], []],
} as const;

const casePath = (name: string, file: string): string =>
  join(import.meta.dirname, "..", "..", "test", "support", "onnx-exports", name, file);

const readData = async (name: string) => {
  for (const file of ["data.jsonl", "data.csv"]) {
    const bytes = await readFile(casePath(name, file)).catch(() => undefined);
    if (bytes) return { file, bytes };
  }
  throw new Error(`${name} has no data`);
};
const Records = z.array(z.record(z.string(), z.json()));
const readRecords = (file: string, text: string) =>
  file.endsWith(".csv")
    ? z
        .array(z.record(z.string(), z.string()))
        .parse(parse(text, { columns: true }))
        .map((record) =>
          Object.fromEntries(Object.entries(record).map(([name, cell]) => [name, Number(cell)])),
        )
    : Records.parse(
        text
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line)),
      );

describe("a network of arrays is served without manual edits, and predicts like torch", () => {
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  beforeAll(async () => {
    folder = await createTemporaryFolder();
  });
  afterAll(() => folder.remove());

  test.for(Object.entries(cases))("%s", async ([name, [inputs, gates]]) => {
    const { target, task, options, predictions } = Case.parse(
      JSON.parse(await readFile(casePath(name, "case.json"), "utf8")),
    );
    const { file, bytes } = await readData(name);
    const made = await draftModelFolder({
      name,
      onnx: await readFile(casePath(name, "model.onnx")),
      csv: bytes,
      csvName: file,
      targets: target,
      options: { task: options.task, group: undefined, quantiles: undefined },
      tokenizer: undefined,
      ignored: [],
      owner: undefined,
      approvers: [],
      policyApprovers: ["U024BE7LH"],
    });
    const problems = await checkModel({ model: name, files: made.files });
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(made.files.has("holdout.csv")).toBe(target.length > 0);
    expect(made.doubt).toBeUndefined();
    expect(made.measured.map((score) => score.name)).toEqual(gates);

    await withModelFiles(join(folder.path, name), made.files, async (model) => {
      const { manifest } = model;
      expect(manifest.task).toBe(task);
      expect(manifest.inputs.slice(0, inputs.length)).toMatchObject(inputs);
      const records = readRecords(file, bytes.toString("utf8")).slice(0, predictions.length);
      const rows = records.map((record) =>
        Object.fromEntries(manifest.inputs.map(({ name }) => [name, record[name]])),
      );
      const answered = await predictByFunction(model, rows);
      const tolerance = name.includes("float16") ? 2e-3 : 1e-4;
      const expected = predictions.map((prediction) =>
        task === "regression" ? { ...prediction, value: prediction.scores.next } : prediction,
      );
      const compared = compareGolden({ tolerance, rows: [], predictions: expected }, [...answered]);
      expect(compared.filter(({ withinTolerance }) => !withinTolerance)).toEqual([]);
    });
  });
});

describe("how images are prepared", () => {
  const draftPhotos = async (source: Partial<Parameters<typeof draftModelFolder>[0]>) => {
    const { target, predictions } = Case.parse(
      JSON.parse(await readFile(casePath("torch-image-files", "case.json"), "utf8")),
    );
    const { file, bytes } = await readData("torch-image-files");
    return draftModelFolder({
      name: "photos",
      onnx: await readFile(casePath("torch-image-files", "model.onnx")),
      csv: bytes,
      csvName: file,
      targets: target,
      tokenizer: undefined,
      ignored: [],
      owner: undefined,
      approvers: [],
      policyApprovers: ["U024BE7LH"],
      predicted: { name: "python.json", bytes: Buffer.from(JSON.stringify(predictions)) },
      ...source,
    });
  };
  const mean = [0.485, 0.456, 0.406];

  test("is among the guesses that change the numbers, with the score of another way", async () => {
    const made = await draftPhotos({});
    expect(made.scoredGuesses).toContainEqual(
      expect.objectContaining({
        subject: "image",
        choice: expect.stringMatching(/^resize: none, scale: 1\/255, no mean and std \(accuracy 1\)$/),
        alternative: expect.stringMatching(
          /^with mean: \[0\.485.* it would be accuracy .*--image "mean: \[0\.485/,
        ),
      }),
    );
    expect(made.guesses.join("\n")).not.toContain("as in training?");
  });

  test("is what --image says; Python's other predictions are explained by it", async () => {
    const made = await draftPhotos({ image: { mean }, predicted: undefined });
    expect(made.scoredGuesses.map(({ subject }) => subject)).not.toContain("image");
    expect(Buffer.from(made.files.get("model.yaml") ?? []).toString("utf8")).toMatch(/mean: \[ ?0\.485/);
    await expect(draftPhotos({ image: { mean } })).rejects.toThrow(
      /Likely cause: preparation of the image\./,
    );
  });

  test("an unknown field of --image is refused by its name", async () => {
    await expect(draftPhotos({ image: { size: 224 } })).rejects.toThrow(/^--image: .*size/);
  });

  test("--image without a column of images is refused", async () => {
    const bytes = Buffer.from('{"photo": [[1]], "animal": "cat"}\n');
    await expect(draftPhotos({ csv: bytes, image: { mean } })).rejects.toThrow(/has none: it takes paths/);
  });
});
