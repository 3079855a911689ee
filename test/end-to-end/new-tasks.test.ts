/** Models of other tasks than classification and regression, only through commands: created, checked, delivered, called. */
import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import { runScenario } from "#worlds/embedded/scenario/scenario.ts";
import { type EmbeddedWorld, startEmbeddedWorld } from "#worlds/embedded/start-embedded-world.ts";
import { createFixture, type Fixture, repositoryRoot } from "./fixture.ts";
import { runSlipway } from "./run-slipway.ts";

const exports = join(repositoryRoot, "test", "support", "onnx-exports");
const reporter = { say: () => undefined, event: () => undefined };
const Answer = z.object({
  predictions: z.array(
    z.object({
      label: z.string().optional(),
      labels: z.array(z.string()).optional(),
      scores: z.record(z.string(), z.number()),
    }),
  ),
});
const Case = Answer.extend({ target: z.array(z.string()) });

/** With truth, with groups, and without truth: the whole table as inputs. */
const cases = [
  { model: "multilabel-forest", options: [], measured: ["f1Micro", "f1Macro"] },
  { model: "lightgbm-ranker", options: ["--group", "query"], measured: ["ndcg"] },
  { model: "local-outlier-factor", options: [], measured: [] },
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

test("models of other tasks are delivered to prod, with truth or without, and predict there as their libraries do", {
  timeout: 600_000,
}, async () => {
  for (const { model, options } of cases) {
    const { target } = Case.parse(JSON.parse(await readFile(join(exports, model, "case.json"), "utf8")));
    const files = ["--onnx", join(exports, model, "model.onnx"), "--data", join(exports, model, "data.csv")];
    const targets = target.flatMap((column) => ["--target", column]);
    const folder = join(checkout, "models");
    const created = await runSlipway(fixture, [
      "new",
      model,
      ...files,
      ...targets,
      ...options,
      "--models",
      folder,
    ]);
    expect(created).toMatchObject({ code: 0, stderr: "" });
    const check = await runSlipway(fixture, ["check", join(folder, model)]);
    expect(check).toMatchObject({ code: 0, stderr: "" });
    expect(check.stdout.includes("no score is measured")).toBe(target.length === 0);
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
  for (const { model, measured } of cases) {
    await runScenario(rehearsal, { model, decisions: "approve", reporter });
    const { world, modelsUrl } = rehearsal;
    expect(await world.ledger.serving("prod", model)).toMatchObject({ model, version: 1 });

    const { target, predictions } = Case.parse(
      JSON.parse(await readFile(join(exports, model, "case.json"), "utf8")),
    );
    const left = new Set([...target, "query"]);
    const records = z
      .array(z.record(z.string(), z.string()))
      .parse(parse(await readFile(join(exports, model, "data.csv")), { columns: true }));
    const rows = records
      .slice(0, predictions.length)
      .map((record) =>
        Object.fromEntries(
          Object.entries(record).flatMap(([name, text]) => (left.has(name) ? [] : [[name, Number(text)]])),
        ),
      );
    const response = await fetch(`${modelsUrl}/prod/models/${model}/v1/predict`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ rows }),
    });
    const answered = Answer.parse(await response.json()).predictions;
    for (const [row, expected] of predictions.entries()) {
      expect([answered[row]?.label, answered[row]?.labels]).toEqual([expected.label, expected.labels]);
      for (const [name, score] of Object.entries(expected.scores))
        expect(answered[row]?.scores[name]).toBeCloseTo(score, 4);
    }
    const manifest = await readFile(join(checkout, "models", model, "model.yaml"), "utf8");
    for (const score of measured) expect(manifest).toContain(`  ${score}: {`);
  }
});
