/** Models of other tasks than classification and regression, only through commands: created, checked, delivered, called. */
import { readFile } from "node:fs/promises";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { Prediction } from "#model-folder/manifest/manifest.ts";
import { createNewModelsWorld, exportPath, type NewModelsWorld } from "./new-models-world.ts";

const Case = z.object({ target: z.array(z.string()), predictions: z.array(Prediction).min(10) });

/** With truth, with groups, and without truth: the whole table as inputs. */
const cases = [
  { model: "multilabel-forest", options: [], measured: ["f1Micro", "f1Macro"] },
  { model: "lightgbm-ranker", options: ["--group", "query"], measured: ["ndcg"] },
  { model: "local-outlier-factor", options: [], measured: [] },
] as const;

let world: NewModelsWorld;
beforeAll(async () => {
  world = await createNewModelsWorld();
});
afterAll(() => world.remove());

test("models of other tasks are delivered to prod, with truth or without, and predict there as their libraries do", {
  timeout: 600_000,
}, async () => {
  for (const { model, options, measured } of cases) {
    const { target, predictions } = Case.parse(
      JSON.parse(await readFile(exportPath(model, "case.json"), "utf8")),
    );
    const data = exportPath(model, "data.csv");
    const targets = target.flatMap((column) => ["--target", column]);
    const { manifest, checked, failures } = await world.create(model, [
      "--data",
      data,
      ...targets,
      ...options,
    ]);
    expect(failures).toEqual([]);
    expect(checked.includes("no score is measured")).toBe(target.length === 0);
    for (const score of measured) expect(manifest).toContain(`  ${score}: {`);

    expect(await world.deliver(model)).toMatchObject({ model, version: 1 });
    const left = new Set([...target, "query"]);
    const records = z
      .array(z.record(z.string(), z.string()))
      .parse(parse(await readFile(data), { columns: true }));
    const rows = records
      .slice(0, predictions.length)
      .map((record) =>
        Object.fromEntries(
          Object.entries(record).flatMap(([name, text]) => (left.has(name) ? [] : [[name, Number(text)]])),
        ),
      );
    const answered = await world.predict(model, rows);
    for (const [row, expected] of predictions.entries()) {
      expect([answered[row]?.label, answered[row]?.labels]).toEqual([expected.label, expected.labels]);
      for (const [name, score] of Object.entries(expected.scores))
        expect(answered[row]?.scores[name]).toBeCloseTo(score, 4);
    }
  }
});
