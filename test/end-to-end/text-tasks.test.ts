/** Text models of several kinds, only through commands: created, checked, delivered, called. */
import { readFile } from "node:fs/promises";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { Prediction } from "#model-folder/manifest/manifest.ts";
import { createNewModelsWorld, exportPath, type NewModelsWorld } from "./new-models-world.ts";

const Case = z.object({ predictions: z.array(Prediction), labels: z.array(z.string()).optional() });

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

let world: NewModelsWorld;
beforeAll(async () => {
  world = await createNewModelsWorld();
});
afterAll(() => world.remove());

test("entities, embeddings and pairs of texts are delivered to prod, and predict there as Python does", {
  timeout: 600_000,
}, async () => {
  for (const { model, options, inputs, measured } of cases) {
    const { labels, predictions } = Case.parse(
      JSON.parse(await readFile(exportPath(model, "case.json"), "utf8")),
    );
    const data = exportPath(model, "data.csv");
    const { manifest, failures } = await world.create(model, [
      ...["--data", data, "--tokenizer", exportPath(model, "tokenizer.json")],
      ...options,
      ...(labels ? ["--labels", labels.join(",")] : []),
    ]);
    expect(failures).toEqual([]);
    for (const score of measured) expect(manifest).toContain(`  ${score}: {`);

    expect(await world.deliver(model)).toMatchObject({ model, version: 1 });
    const records = z
      .array(z.record(z.string(), z.string()))
      .parse(parse(await readFile(data), { columns: true }));
    const rows = records
      .slice(0, predictions.length)
      .map((record) => Object.fromEntries(inputs.map((name) => [name, record[name]])));
    const answered = await world.predict(model, rows);
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
  }
});
