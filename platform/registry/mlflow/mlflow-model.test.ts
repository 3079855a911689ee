import { expect, test } from "vitest";
import { stringify } from "yaml";
import * as z from "zod";
import { readContent } from "#platform/files/file-content.ts";
import { buildManifest, readChurnYaml } from "#test/support/onnx/churn-folder.ts";
import { createMlflowModel } from "./mlflow-model.ts";
import { modelFile } from "./model-files.ts";

const describeModel = async (manifest: string): Promise<string> => {
  const named = { model: "churn", delivery: "churn-1", tags: {}, metrics: {} };
  const files = createMlflowModel(
    { ...named, artifact: new Uint8Array(), manifest },
    { runId: "1", createdAt: 0 },
  );
  return Buffer.from(await readContent(files.get(modelFile) ?? new Uint8Array())).toString("utf8");
};
const gates = { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } };
const write = (changes: Record<string, unknown>) =>
  stringify(z.json().parse(JSON.parse(JSON.stringify(buildManifest({ gates, ...changes })))));

test("a classification is a model for MLflow's own Python too, with a signature", async () => {
  expect(await describeModel(readChurnYaml())).toMatch(/python_function:[\s\S]*signature:/);
});

test.each([
  [
    "an anomaly",
    { task: "anomaly", output: { threshold: 0 }, inputs: [{ name: "x", type: "number", min: 0, max: 1 }] },
  ],
  [
    "a regression of an array",
    {
      task: "regression",
      output: { name: "y" },
      inputs: [{ name: "x", type: "tensor", element: "float32", shape: [2] }],
    },
  ],
])("%s is registered as ONNX alone, because the loader does not read it", async (_, changes) => {
  const description = await describeModel(write(changes));
  expect(description).toContain("onnx:");
  expect(description).not.toMatch(/python_function|signature:/);
});
