import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { describe, expect, test } from "vitest";
import { createApp } from "#inference/app.ts";
import { loadModel } from "#inference/model/load-model.ts";
import { openapiDocument } from "#inference/openapi/openapi-document.ts";
import { createAppClient } from "#test/support/http/app-client.ts";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { createTestService } from "#test/support/onnx/create-test-service.ts";
import { floatType, type Graph, int64Type, type Value, writeOnnx } from "#test/support/onnx/write-onnx.ts";

const gates = { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } };
const inputs = ["a", "b", "c"].map((name) => ({ name, type: "number", min: -9, max: 9 }));
const matrix = { name: "X", type: floatType, shape: ["N", 3] };
const keepRows = [
  { name: "axis", int: 1 },
  { name: "keepdims", int: 0 },
];
const graph = (nodes: Graph["nodes"], outputs: readonly Value[]): Graph => ({
  ...(nodes ? { nodes } : {}),
  inputs: [matrix],
  outputs,
});
const same: Value = { name: "Y", type: floatType, shape: ["N", 3] };
const identity = { op: "Identity", inputs: ["X"], outputs: ["Y"] };
const nearest = { op: "ArgMin", inputs: ["X"], outputs: ["label"], attributes: keepRows };
const label: Value = { name: "label", type: int64Type, shape: ["N"] };
const mean = {
  op: "ReduceMean",
  inputs: ["X"],
  outputs: ["mean"],
  attributes: [{ name: "keepdims", int: 1 }],
};

const row = { a: 2, b: 0.5, c: 1 };
/** Each model with its answer for the row: native, MLflow's record, CSV, and OIP's output tensors. */
const models = [
  {
    task: "clustering",
    output: { labels: [0, 1, 2], labelOutput: "label", distances: "Y" },
    graph: graph([nearest, identity], [label, same]),
    native: { label: "1", scores: { 0: 2, 1: 0.5, 2: 1 } },
    record: { label: 1, 0: 2, 1: 0.5, 2: 1 },
    csv: "label,distance.0,distance.1,distance.2\r\n1,2,0.5,1\r\n",
    tensors: [
      { name: "label", datatype: "INT64", shape: [1], data: [1] },
      { name: "distances", datatype: "FP64", shape: [1, 3], data: [2, 0.5, 1] },
    ],
  },
  {
    task: "anomaly",
    output: { name: "oddity", graphOutput: "Y", threshold: 1, anomalyIs: "low" },
    graph: {
      nodes: [{ op: "ReduceMin", inputs: ["X"], outputs: ["Y"], attributes: [{ name: "keepdims", int: 1 }] }],
      inputs: [matrix],
      outputs: [{ name: "Y", type: floatType, shape: ["N", 1] }],
    },
    // ReduceMin over all axes would join the rows; one row has one minimum.
    native: { label: "anomaly", value: 0.5, scores: { oddity: 0.5 } },
    record: { label: "anomaly", oddity: 0.5 },
    csv: "label,oddity\r\nanomaly,0.5\r\n",
    tensors: [
      { name: "label", datatype: "BYTES", shape: [1], data: ["anomaly"] },
      { name: "oddity", datatype: "FP64", shape: [1], data: [0.5] },
    ],
  },
  {
    task: "multilabel",
    output: { labels: ["red", "blue", "green"], threshold: 0.75, scores: "decision" },
    graph: graph([identity], [same]),
    native: { labels: ["red", "green"], scores: { red: 2, blue: 0.5, green: 1 } },
    record: { labels: ["red", "green"], red: 2, blue: 0.5, green: 1 },
    csv: "label.red,label.blue,label.green,decision.red,decision.blue,decision.green\r\n1,0,1,2,0.5,1\r\n",
    tensors: [
      { name: "labels", datatype: "BOOL", shape: [1, 3], data: [true, false, true] },
      { name: "decision", datatype: "FP64", shape: [1, 3], data: [2, 0.5, 1] },
    ],
  },
  {
    task: "regression",
    output: { names: ["low", "mid", "high"], quantiles: [0.1, 0.5, 0.9], graphOutputs: ["Y"] },
    graph: graph([identity], [same]),
    native: { scores: { low: 2, mid: 0.5, high: 1 } },
    record: { low: 2, mid: 0.5, high: 1 },
    csv: "low,mid,high\r\n2,0.5,1\r\n",
    tensors: [
      { name: "low", datatype: "FP64", shape: [1], data: [2] },
      { name: "mid", datatype: "FP64", shape: [1], data: [0.5] },
      { name: "high", datatype: "FP64", shape: [1], data: [1] },
    ],
  },
  {
    task: "ranking",
    output: { name: "relevance", graphOutput: "mean" },
    graph: graph([mean], [{ name: "mean", type: floatType, shape: ["N", 1] }]),
    native: { value: 3.5 / 3, scores: { relevance: 3.5 / 3 } },
    record: { relevance: 3.5 / 3 },
    csv: undefined,
    tensors: [{ name: "relevance", datatype: "FP64", shape: [1], data: [3.5 / 3] }],
  },
] as const;

const json = { "content-type": "application/json" };
const roundNumbers = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_, each: unknown) =>
    typeof each === "number" ? Number(each.toPrecision(6)) : each,
  );

describe.each(models)("a $task says the same in every protocol", (model) => {
  const open = async () => {
    const manifest = buildManifest({ task: model.task, output: model.output, inputs, gates });
    const loaded = await loadModel({ manifest, model: { bytes: writeOnnx({ graph: model.graph }) } });
    const service = createTestService(loaded);
    const client = createAppClient(createApp(service));
    const post = async (path: string, body: unknown, headers: Record<string, string> = {}) =>
      client.request(path, { method: "POST", body: JSON.stringify(body), headers: { ...json, ...headers } });
    return { loaded, service, client, post };
  };

  test("native, and its OpenAPI document describes the answer", async () => {
    const { loaded, service, client, post } = await open();
    const answered: unknown = await (await post("/v1/predict", { rows: [row] })).json();
    expect(roundNumbers(answered)).toMatchObject({ predictions: [roundNumbers(model.native)] });
    const { components } = openapiDocument(service);
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    const follows = (name: keyof typeof components.schemas, body: unknown) =>
      ajv.compile({ ...components.schemas[name], components })(body);
    expect(follows("PredictResponse", answered)).toBe(true);
    expect(follows("ModelMetadata", await (await client.request("/v1/model")).json())).toBe(true);
    await loaded.release();
  });

  test("MLflow and CSV", async () => {
    const { loaded, post } = await open();
    const records: unknown = await (await post("/invocations", { dataframe_records: [row] })).json();
    expect(roundNumbers(records)).toEqual({ predictions: [roundNumbers(model.record)] });
    if (model.csv !== undefined) {
      const text = await post("/v1/predict", { rows: [row] }, { accept: "text/csv" });
      expect(await text.text()).toBe(model.csv);
    }
    await loaded.release();
  });

  test("Open Inference Protocol: the metadata declares the tensors that a response has", async () => {
    const { loaded, client, post } = await open();
    const name = loaded.manifest.name;
    const metadata: unknown = await (await client.request(`/v2/models/${name}`)).json();
    expect(metadata).toMatchObject({
      outputs: model.tensors.map(({ name, datatype, shape }) => ({
        name,
        datatype,
        shape: [-1, ...shape.slice(1)],
      })),
    });
    const body = {
      inputs: Object.entries(row).map(([name, value]) => ({
        name,
        datatype: "FP64",
        shape: [1],
        data: [value],
      })),
    };
    const response: unknown = await (await post(`/v2/models/${name}/infer`, body)).json();
    expect(roundNumbers(response)).toMatchObject({ outputs: roundNumbers(model.tensors) });
    await loaded.release();
  });
});
