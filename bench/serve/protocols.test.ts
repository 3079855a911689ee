import { expect, test } from "vitest";
import type { Row } from "#model-folder/manifest/manifest.ts";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { dataframeSplit, kserveV1, native, openInference } from "./protocols.ts";

const model = buildManifest({
  inputs: [
    { name: "charge", type: "number", min: 0, max: 100, required: false },
    { name: "plan", type: "category", values: ["a", "b"] },
  ],
});
const rows: readonly Row[] = [{ charge: 1.5, plan: "a" }, { plan: "b" }];
const labels = ["stay", "churn"];
const named = {
  predictions: [{ scores: { churn: 0.75, stay: 0.25 } }, { scores: { stay: 0.5, churn: 0.5 } }],
};

test.each([
  ["rows as objects", native, { rows }],
  ["KServe V1", kserveV1, { instances: rows }],
  [
    "Open Inference V2",
    openInference,
    {
      inputs: [
        { name: "charge", shape: [2, 1], datatype: "FP32", data: [1.5, null] },
        { name: "plan", shape: [2, 1], datatype: "BYTES", data: ["a", "b"] },
      ],
    },
  ],
  [
    "mlflow's dataframe_split",
    dataframeSplit,
    {
      dataframe_split: {
        columns: ["charge", "plan"],
        data: [
          [1.5, "a"],
          [null, "b"],
        ],
      },
    },
  ],
])("%s holds every value of the same rows, and a missing one as null or not at all", (_, protocol, body) => {
  expect(JSON.parse(protocol.formatBody(rows, model))).toEqual(body);
});

test.each([
  ["rows as objects", native, named],
  ["KServe V1", kserveV1, named],
  [
    "Open Inference V2",
    openInference,
    { outputs: [{ name: "probabilities", data: [0.25, 0.75, 0.5, 0.5] }] },
  ],
  [
    "mlflow's dataframe_split",
    dataframeSplit,
    {
      predictions: [
        [0.25, 0.75],
        [0.5, 0.5],
      ],
    },
  ],
])("scores of %s are read in the order of the labels", (_, protocol, response) => {
  expect([...protocol.readScores(response, labels)]).toEqual([0.25, 0.75, 0.5, 0.5]);
});

test("a label without a score, or a response without predictions, is never taken for an answer", () => {
  expect([...native.readScores({ predictions: [{ scores: { stay: 1 } }] }, labels)]).toEqual([1, Number.NaN]);
  expect(() => native.readScores({ error: "no" }, labels)).toThrow();
  expect([...openInference.readScores({ outputs: [] }, labels)]).toEqual([]);
});
