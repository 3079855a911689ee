import { expect, test } from "vitest";
import { writeCsv } from "#inference/csv/write-csv.ts";
import { modelSchemas } from "#inference/openapi/model-schemas.ts";
import type { Prediction } from "#model-folder/manifest/manifest.ts";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { modelOutputs } from "./model-outputs.ts";

const gates = { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } };
const cases: readonly {
  readonly name: string;
  readonly output: Record<string, unknown>;
  readonly prediction: Prediction;
  readonly tensors: readonly (readonly [string, unknown])[];
  readonly csv: string;
}[] = [
  {
    name: "labels without scores",
    output: { labels: [0, 1, 2], scores: "none", labelOutput: "label" },
    prediction: { label: "2", scores: {} },
    tensors: [["label", [2]]],
    csv: "label\r\n2\r\n",
  },
  {
    name: "the decision function of two labels",
    output: { labels: ["no", "yes"], positive: "yes", scores: "decision" },
    prediction: { label: "yes", scores: { yes: 2.5 } },
    tensors: [
      ["label", ["yes"]],
      ["decision", [2.5]],
    ],
    csv: "label,score.yes\r\nyes,2.5\r\n",
  },
  {
    name: "the decision functions of three labels",
    output: { labels: ["a", "b", "c"], scores: "decision" },
    prediction: { label: "c", scores: { a: -3, b: -1, c: 1.5 } },
    tensors: [
      ["label", ["c"]],
      ["decision", [-3, -1, 1.5]],
    ],
    csv: "label,score.a,score.b,score.c\r\nc,-3,-1,1.5\r\n",
  },
];

test.each(cases)("$name have the same scores in every protocol", ({ output, prediction, tensors, csv }) => {
  const manifest = buildManifest({ output, gates });
  expect(modelOutputs(manifest).map(({ name, read }) => [name, read([prediction])])).toEqual(tensors);
  expect(writeCsv(manifest)([prediction], { header: true })).toBe(csv);
  const response = { model: "churn", version: 1, id: "id", predictions: [prediction] };
  const { predictions } = modelSchemas(manifest).response.shape;
  expect(predictions.parse(response.predictions)).toEqual([prediction]);
  expect(predictions.safeParse([{ ...prediction, scores: { other: 1 } }]).success).toBe(false);
});
