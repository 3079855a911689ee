/** Models of images and of tensors, only through commands: created from JSON lines, checked, delivered, called. */
import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { Prediction } from "#model-folder/manifest/manifest.ts";
import { compareGolden } from "#model-folder/rows/compare-golden.ts";
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import { runScenario } from "#worlds/embedded/scenario/scenario.ts";
import { type EmbeddedWorld, startEmbeddedWorld } from "#worlds/embedded/start-embedded-world.ts";
import { createFixture, type Fixture, repositoryRoot } from "./fixture.ts";
import { runSlipway } from "./run-slipway.ts";

const exports = join(repositoryRoot, "test", "support", "onnx-exports");
const reporter = { say: () => undefined, event: () => undefined };
const Case = z.object({ target: z.array(z.string()), predictions: z.array(Prediction).min(10) });
const Answer = z.object({ predictions: z.array(Prediction) });
const Row = z.record(z.string(), z.json());

const cases = [
  { model: "torch-image-files", input: "photo", tolerance: 1e-4, hasTruth: true },
  { model: "torch-float16-tensors", input: "image", tolerance: 2e-3, hasTruth: false },
] as const;

let fixture: Fixture;
let checkout: string;
let rehearsal: EmbeddedWorld | undefined;
beforeAll(async () => {
  fixture = await createFixture();
  checkout = join(fixture.folder, "checkout");
  await cp(join(repositoryRoot, "policy.yaml"), join(checkout, "policy.yaml"));
});
afterAll(async () => {
  await rehearsal?.stop();
  await fixture.remove();
});

const readCase = async (model: string) => {
  const { target, predictions } = Case.parse(
    JSON.parse(await readFile(join(exports, model, "case.json"), "utf8")),
  );
  const text = await readFile(join(exports, model, "data.jsonl"), "utf8");
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
  for (const { model, hasTruth } of cases) {
    const { target } = await readCase(model);
    const folder = join(checkout, "models");
    const created = await runSlipway(fixture, [
      "new",
      model,
      ...["--onnx", join(exports, model, "model.onnx"), "--data", join(exports, model, "data.jsonl")],
      ...target.flatMap((column) => ["--target", column]),
      ...["--models", folder],
    ]);
    expect(created).toMatchObject({ code: 0, stderr: "" });
    const check = await runSlipway(fixture, ["check", join(folder, model)]);
    expect(check).toMatchObject({ code: 0, stderr: "" });
    expect(check.stdout.includes("no score is measured")).toBe(!hasTruth);
  }
  rehearsal = await startEmbeddedWorld({
    folder: resolveDataFolder(fixture.data),
    checkout,
    port: 0,
    modelsPort: 0,
    bakeMs: 5,
    traffic: 2,
    env: {},
    clock: Date.now,
    reporter,
  });
  await rehearsal.begin();
  for (const { model, input, tolerance } of cases) {
    await runScenario(rehearsal, { model, decisions: "approve", reporter });
    const { world, modelsUrl } = rehearsal;
    expect(await world.ledger.serving("prod", model)).toMatchObject({ model, version: 1 });

    const { predictions, rows } = await readCase(model);
    const address = `${modelsUrl}/prod/models/${model}/v1/predict`;
    const sent = rows.map((row) => ({ [input]: row[input] }));
    const response = await fetch(address, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ rows: sent }),
    });
    const answered = Answer.parse(await response.json()).predictions;
    expect(findDifferences(predictions, answered, tolerance)).toEqual([]);
  }
  // The body of a request to a model with one image may be the image itself.
  const { predictions, rows } = await readCase("torch-image-files");
  const photo = Buffer.from(z.string().parse(rows[1]?.photo), "base64");
  const response = await fetch(`${rehearsal.modelsUrl}/prod/models/torch-image-files/v1/predict`, {
    method: "POST",
    headers: { "content-type": "image/jpeg" },
    body: photo,
  });
  const [prediction] = Answer.parse(await response.json()).predictions;
  expect(prediction?.label).toBe(predictions[1]?.label);
});
