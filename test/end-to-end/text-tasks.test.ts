/** Text models of several kinds, only through commands: created, checked, delivered, called. */
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { Prediction } from "#model-folder/manifest/manifest.ts";
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import { runScenario } from "#worlds/embedded/scenario/scenario.ts";
import { type EmbeddedWorld, startEmbeddedWorld } from "#worlds/embedded/start-embedded-world.ts";
import { createFixture, type Fixture, repositoryRoot } from "./fixture.ts";
import { runSlipway } from "./run-slipway.ts";

const exports = join(repositoryRoot, "test", "support", "onnx-exports");
const reporter = { say: () => undefined, event: () => undefined };
const Answer = z.object({ predictions: z.array(Prediction) });
const Case = Answer.extend({ labels: z.array(z.string()).optional() });

const cases = [
  {
    model: "bert-entities",
    options: ["--target", "tags"],
    inputs: ["text"],
    measured: ["accuracy", "f1Micro"],
  },
  { model: "bert-embeddings", options: ["--pooling", "mean"], inputs: ["text"], measured: [] },
  {
    model: "bert-pairs",
    options: ["--target", "entailed"],
    inputs: ["question", "passage"],
    measured: ["accuracy"],
  },
] as const;

let fixture: Fixture;
let checkout: string;
let rehearsal: EmbeddedWorld | undefined;
beforeAll(async () => {
  fixture = await createFixture();
  // The rehearsal takes models from its checkout: here one with only the policy and these models.
  checkout = join(fixture.folder, "checkout");
  await cp(join(repositoryRoot, "policy.yaml"), join(checkout, "policy.yaml"));
});
afterAll(async () => {
  await rehearsal?.stop();
  await fixture.remove();
});

const readCase = async (model: string) =>
  Case.parse(JSON.parse(await readFile(join(exports, model, "case.json"), "utf8")));

test("entities, embeddings and pairs of texts are delivered to prod, and predict there as Python does", {
  timeout: 600_000,
}, async () => {
  for (const { model, options } of cases) {
    const { labels } = await readCase(model);
    const created = await runSlipway(fixture, [
      "new",
      model,
      ...["onnx", "data", "tokenizer"].flatMap((option) => [
        `--${option}`,
        join(exports, model, { onnx: "model.onnx", data: "data.csv" }[option] ?? "tokenizer.json"),
      ]),
      ...options,
      ...(labels ? ["--labels", labels.join(",")] : []),
      "--models",
      join(checkout, "models"),
    ]);
    expect(created).toMatchObject({ code: 0, stderr: "" });
    expect(await runSlipway(fixture, ["check", join(checkout, "models", model)])).toMatchObject({
      code: 0,
      stderr: "",
    });
  }
  // How fast this machine is says nothing about the models.
  for (const { model } of cases) {
    const file = join(checkout, "models", model, "model.yaml");
    await writeFile(file, (await readFile(file, "utf8")).replace(/latencyP95Ms: \d+/, "latencyP95Ms: 10000"));
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
  for (const { model, inputs, measured } of cases) {
    await runScenario(rehearsal, { model, decisions: "approve", reporter });
    const { world, modelsUrl } = rehearsal;
    expect(await world.ledger.serving("prod", model)).toMatchObject({ model, version: 1 });

    const { predictions } = await readCase(model);
    const records = z
      .array(z.record(z.string(), z.string()))
      .parse(parse(await readFile(join(exports, model, "data.csv")), { columns: true }));
    const rows = records
      .slice(0, predictions.length)
      .map((record) => Object.fromEntries(inputs.map((name) => [name, record[name]])));
    const response = await fetch(`${modelsUrl}/prod/models/${model}/v1/predict`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ rows }),
    });
    const answered = Answer.parse(await response.json()).predictions;
    for (const [row, expected] of predictions.entries()) {
      const actual = answered[row];
      expect(actual?.label).toBe(expected.label);
      expect(actual?.entities?.map(({ score: _score, ...entity }) => entity)).toEqual(
        expected.entities?.map(({ score: _score, ...entity }) => entity),
      );
      const mean = z.array(z.number()).optional().parse(expected.tensors?.mean);
      const vector = z.array(z.number()).optional().parse(actual?.tensors?.embedding);
      expect(vector?.length).toBe(mean?.length);
      for (const [at, value] of (mean ?? []).entries()) expect(vector?.[at]).toBeCloseTo(value, 4);
    }
    const manifest = await readFile(join(checkout, "models", model, "model.yaml"), "utf8");
    for (const score of measured) expect(manifest).toContain(`  ${score}: {`);
  }
});
