import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { loadModel } from "#inference/model/load-model.ts";
import { checkModel } from "#model-check/check-model.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { draftModelFolder } from "./draft-model-folder.ts";

const Case = z.object({
  target: z.string(),
  predictions: z.array(z.object({ label: z.string(), scores: z.record(z.string(), z.number()).optional() })),
});
/** Each as skl2onnx wrote it (make_label_outputs.py), with the output that its manifest must describe. */
const cases = {
  "forest-of-ten": { labels: ["0", "1", "2"], scores: "probabilities" },
  "forest-binary": { labels: ["0", "1"], positive: "1", scores: "probabilities" },
  "k-means": { labels: ["0", "1", "2"], scores: "none", labelOutput: "label" },
  "linear-svc": { labels: ["0", "1"], positive: "1", scores: "decision", labelOutput: "label" },
  "svc-pair": { labels: ["0", "1"], scores: "none", labelOutput: "label" },
  "ridge-pair": { labels: ["0", "1"], positive: "1", scores: "decision", labelOutput: "label" },
  "ridge-classifier": { labels: ["0", "1", "2"], scores: "decision", labelOutput: "label" },
  "isolation-forest": { labels: ["-1", "1"], positive: "1", scores: "decision", labelOutput: "label" },
  "label-alone": { labels: ["0", "1"], scores: "none", labelOutput: "label" },
};

const read = (name: string, file: string) =>
  readFileSync(join(import.meta.dirname, "..", "..", "test", "support", "onnx-exports", name, file));

/** `new` takes these for a clustering and an anomaly (task-exports.integration.test.ts); --task decides otherwise. */
const classifiedByOption = new Set(["k-means", "isolation-forest"]);

describe("a graph's own label and its own scores are served as the library gives them", () => {
  test.for(Object.entries(cases))("%s", async ([name, output]) => {
    const { target, predictions } = Case.parse(JSON.parse(read(name, "case.json").toString("utf8")));
    const csv = read(name, "data.csv");
    const { files } = await draftModelFolder({
      name,
      onnx: read(name, "model.onnx"),
      csv,
      csvName: "data.csv",
      targets: [target],
      options: { task: classifiedByOption.has(name) ? "classification" : undefined },
      tokenizer: undefined,
      ignored: [],
      owner: undefined,
      approvers: [],
      policyApprovers: ["U024BE7LH"],
    });
    expect((await checkModel({ model: name, files })).filter(({ severity }) => severity === "error")).toEqual(
      [],
    );
    const manifest = readManifest(files.get("model.yaml") ?? new Uint8Array());
    expect(manifest.output).toMatchObject(output);
    const model = await loadModel({
      manifest,
      model: { bytes: files.get("model.onnx") ?? new Uint8Array() },
    });
    try {
      const records = z
        .array(z.record(z.string(), z.string()))
        .parse(parse(csv, { columns: true }))
        .slice(0, predictions.length);
      const answers = await model.predict(
        records.map((record) =>
          Object.fromEntries(manifest.inputs.map((input) => [input.name, Number(record[input.name])])),
        ),
      );
      expect(answers.map(({ label }) => label)).toEqual(predictions.map(({ label }) => label));
      for (const [row, { scores = {} }] of predictions.entries()) {
        const answer = answers[row]?.scores ?? {};
        expect(Object.keys(answer).toSorted()).toEqual(Object.keys(scores).toSorted());
        for (const [label, score] of Object.entries(scores)) expect(answer[label]).toBeCloseTo(score, 4);
        if (output.scores === "probabilities")
          for (const score of Object.values(answer)) {
            expect(score).toBeGreaterThanOrEqual(0);
            expect(score).toBeLessThanOrEqual(1);
          }
      }
    } finally {
      await model.release();
    }
  });
});
