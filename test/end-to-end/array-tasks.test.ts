/** Models of images and of tensors, only through commands: created from JSON lines, checked, delivered, called. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { Prediction } from "#model-folder/manifest/manifest.ts";
import { compareGolden } from "#model-folder/rows/compare-golden.ts";
import { createNewModelsWorld, exportPath, type NewModelsWorld } from "./new-models-world.ts";

const Case = z.object({ target: z.array(z.string()), predictions: z.array(Prediction).min(10) });
const Row = z.record(z.string(), z.json());

const cases = [
  { model: "torch-image-files", input: "photo", tolerance: 1e-4 },
  { model: "torch-float16-tensors", input: "image", tolerance: 2e-3 },
] as const;

let world: NewModelsWorld;
beforeAll(async () => {
  world = await createNewModelsWorld();
});
afterAll(() => world.remove());

const readCase = async (model: string) => {
  const { target, predictions } = Case.parse(
    JSON.parse(await readFile(exportPath(model, "case.json"), "utf8")),
  );
  const text = await readFile(exportPath(model, "data.jsonl"), "utf8");
  const rows = text
    .trim()
    .split("\n")
    .slice(0, predictions.length)
    .map((line) => Row.parse(JSON.parse(line)));
  return { target, predictions, rows };
};

const findDifferences = (expected: readonly Prediction[], actual: readonly Prediction[], tolerance: number) =>
  compareGolden({ tolerance, rows: [], predictions: [...expected] }, [...actual]).filter(
    ({ withinTolerance }) => !withinTolerance,
  );

test("a model of images and one of tensors are delivered to prod, and predict there as torch does", {
  timeout: 600_000,
}, async () => {
  for (const { model, input, tolerance } of cases) {
    const { target, predictions, rows } = await readCase(model);
    const { checked, failures } = await world.create(model, [
      ...["--data", exportPath(model, "data.jsonl")],
      ...target.flatMap((column) => ["--target", column]),
    ]);
    expect(failures).toEqual([]);
    expect(checked.includes("no score is measured")).toBe(target.length === 0);

    expect(await world.deliver(model)).toMatchObject({ model, version: 1 });
    const answered = await world.predict(
      model,
      rows.map((row) => ({ [input]: row[input] })),
    );
    expect(findDifferences(predictions, answered, tolerance)).toEqual([]);
  }
  // The body of a request to a model with one image may be the image itself.
  const { predictions, rows } = await readCase("torch-image-files");
  const photo = Buffer.from(z.string().parse(rows[1]?.photo), "base64");
  const [prediction] = await world.predictBody("torch-image-files", "image/jpeg", photo);
  expect(prediction?.label).toBe(predictions[1]?.label);
});
