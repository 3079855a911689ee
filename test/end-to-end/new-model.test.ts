/** A new model from an export and a table, only through commands: created, checked, delivered, called. */
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { fastWorldOptions } from "#test/support/fast-world-options.ts";
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import { runScenario } from "#worlds/embedded/scenario/scenario.ts";
import { type EmbeddedWorld, startEmbeddedWorld } from "#worlds/embedded/start-embedded-world.ts";
import { createFixture, type Fixture, repositoryRoot } from "./fixture.ts";
import { runSlipway } from "./run-slipway.ts";

const model = "loan-risk";
const exportFolder = join(repositoryRoot, "test", "support", "onnx-exports", "sklearn-columns");
const reporter = { say: () => undefined, event: () => undefined };
const PredictResponse = z.object({
  version: z.number(),
  predictions: z.array(z.object({ label: z.string(), scores: z.record(z.string(), z.number()) })),
});

let fixture: Fixture;
let rehearsal: EmbeddedWorld | undefined;
beforeAll(async () => {
  fixture = await createFixture();
});
afterAll(async () => {
  await rehearsal?.stop();
  await fixture.remove();
});

test("a model that slipway new wrote is delivered to prod and predicts there", {
  timeout: 600_000,
}, async () => {
  // The rehearsal takes models from its checkout: here one with only the policy and this model.
  const checkout = join(fixture.folder, "checkout");
  await cp(join(repositoryRoot, "policy.yaml"), join(checkout, "policy.yaml"));
  const files = ["--onnx", join(exportFolder, "model.onnx"), "--data", join(exportFolder, "data.csv")];
  const created = await runSlipway(fixture, [
    "new",
    model,
    ...files,
    "--target",
    "outcome",
    "--models",
    join(checkout, "models"),
  ]);
  expect(created).toMatchObject({ code: 0, stderr: "" });
  expect(created.stdout).toMatch(/accuracy 0\.81\d on 320 rows/);
  expect(created.stdout).toContain("holdout.csv has rows of your CSV.");
  const check = await runSlipway(fixture, ["check", join(checkout, "models", model)]);
  expect(check).toMatchObject({
    code: 0,
    stdout: `✓ ${join(checkout, "models", model)} is ready for delivery.
  A canary of it needs 13 requests a minute on prod: 381 requests to each version at each step (10, 50 %) within PT6H.
`,
  });

  rehearsal = await startEmbeddedWorld({
    folder: resolveDataFolder(fixture.data),
    checkout,
    ...fastWorldOptions,
    reporter,
  });
  await rehearsal.begin();
  await runScenario(rehearsal, { model, decisions: "approve", reporter });

  const row = {
    age: 49,
    income: null,
    employment: "permanent",
    home: "with parents",
    debt_ratio: 0.361,
    existing_customer: 1,
  };
  const response = await fetch(`${rehearsal.modelsUrl}/prod/models/${model}/v1/predict`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ rows: [row] }),
  });
  // scikit-learn's prediction for this row, the second of the table (case.json).
  const prediction = PredictResponse.parse(await response.json());
  expect(prediction).toMatchObject({ version: 1, predictions: [{ label: "repaid" }] });
  expect(prediction.predictions[0]?.scores.repaid).toBeCloseTo(0.505459, 4);
});

test("an existing folder stays as it is without --force, and a wrong column is a usage error", async () => {
  const models = join(fixture.folder, "checkout", "models");
  const runNew = (...more: string[]) =>
    runSlipway(fixture, [
      ...["new", model, "--onnx", join(exportFolder, "model.onnx"), "--data", join(exportFolder, "data.csv")],
      ...["--models", models, ...more],
    ]);
  expect(await runNew("--target", "outcome")).toMatchObject({
    code: 3,
    stderr: expect.stringContaining("exists already: choose another name, or overwrite it with --force."),
  });
  expect(await runNew("--target", "outcome", "--force")).toMatchObject({ code: 0 });
  expect(await runNew("--target", "income_class", "--force")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("data.csv has no column income_class (it has age, income"),
  });
});
