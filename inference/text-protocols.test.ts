import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { describe, expect, test } from "vitest";
import { createApp } from "#inference/app.ts";
import { loadModel } from "#inference/model/load-model.ts";
import { openapiDocument } from "#inference/openapi/openapi-document.ts";
import { createAppClient } from "#test/support/http/app-client.ts";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { createTestService } from "#test/support/onnx/create-test-service.ts";
import { tinyTokenizer } from "#test/support/onnx/tiny-tokenizer.ts";
import { tokenTableGraph } from "#test/support/onnx/token-table-graph.ts";
import { writeOnnx } from "#test/support/onnx/write-onnx.ts";

const gates = { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } };
const text = "good bad good";
// Ids: unknown 0, [CLS] 1, [SEP] 2, good 3, bad 4.
const entities = [
  { label: "X", score: 0.75, text: "good bad", start: 0, end: 8 },
  { label: "X", score: 0.75, text: "good", start: 9, end: 13 },
];
const models = [
  {
    task: "entities",
    output: { labels: ["O", "B-X", "I-X"], scores: "probabilities" },
    graph: tokenTableGraph(
      [
        [1, 0, 0],
        [0, 1, 0],
        [0, 1, 0],
        [0.25, 0.75, 0],
        [0, 0.25, 0.75],
      ],
      "logits",
    ),
    native: { scores: {}, entities },
    record: { entities },
    csv: `entities\r\n"${JSON.stringify(entities).replaceAll('"', '""')}"\r\n`,
    tensor: { name: "entities", datatype: "BYTES", shape: [1], data: [JSON.stringify(entities)] },
    metadataShape: [-1],
    bytes: (data: Uint8Array) => JSON.parse(new TextDecoder().decode(data.subarray(4))),
    binary: entities,
  },
  {
    task: "embedding",
    output: { name: "vector", dimensions: 2, pooling: "mean" },
    graph: tokenTableGraph(
      [
        [0, 0],
        [1, 0],
        [0, 1],
        [2, 0.5],
        [5, 8],
      ],
      "last_hidden_state",
    ),
    native: { scores: {}, tensors: { vector: [2, 2] } },
    record: { vector: [2, 2] },
    csv: 'vector\r\n"[2,2]"\r\n',
    tensor: { name: "vector", datatype: "FP32", shape: [1, 2], data: [2, 2] },
    metadataShape: [-1, 2],
    bytes: (data: Uint8Array) => [...new Float32Array(data.slice().buffer)],
    binary: [2, 2],
  },
] as const;

const json = { "content-type": "application/json" };

describe.each(models)("a model of the task $task says the same in every protocol", (model) => {
  const open = async () => {
    const manifest = buildManifest({
      task: model.task,
      output: model.output,
      inputs: [{ name: "review", type: "string" }],
      tokenizer: { maxTokens: 8 },
      gates,
    });
    const bytes = writeOnnx({ graph: model.graph });
    const loaded = await loadModel({ manifest, model: { bytes }, tokenizer: tinyTokenizer });
    const service = createTestService(loaded);
    const client = createAppClient(createApp(service));
    const post = async (path: string, body: unknown, headers: Record<string, string> = {}) =>
      client.request(path, { method: "POST", body: JSON.stringify(body), headers: { ...json, ...headers } });
    return { loaded, service, client, post };
  };

  test("native, and its OpenAPI document describes the answer", async () => {
    const { loaded, service, client, post } = await open();
    const answered: unknown = await (await post("/v1/predict", { rows: [{ review: text }] })).json();
    expect(answered).toMatchObject({ predictions: [model.native] });
    const { components } = openapiDocument(service);
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    const follows = (name: keyof typeof components.schemas, body: unknown) =>
      ajv.compile({ ...components.schemas[name], components })(body);
    expect(follows("PredictResponse", answered)).toBe(true);
    expect(follows("ModelMetadata", await (await client.request("/v1/model")).json())).toBe(true);
    await loaded.release();
  });

  test("MLflow, SageMaker's CSV and CSV", async () => {
    const { loaded, post } = await open();
    const rows = [{ review: text }];
    expect(await (await post("/invocations", { dataframe_records: rows })).json()).toEqual({
      predictions: [model.record],
    });
    const table = await post("/v1/predict", { rows }, { accept: "text/csv" });
    expect(await table.text()).toBe(model.csv);
    await loaded.release();
  });

  test("Open Inference Protocol, in JSON and binary", async () => {
    const { loaded, client, post } = await open();
    const { name } = loaded.manifest;
    expect(await (await client.request(`/v2/models/${name}`)).json()).toMatchObject({
      outputs: [{ name: model.tensor.name, datatype: model.tensor.datatype, shape: model.metadataShape }],
    });
    const inputs = [{ name: "review", datatype: "BYTES", shape: [1], data: [text] }];
    expect(await (await post(`/v2/models/${name}/infer`, { inputs })).json()).toMatchObject({
      outputs: [model.tensor],
    });
    const binary = await post(`/v2/models/${name}/infer`, {
      inputs,
      parameters: { binary_data_output: true },
    });
    const body = new Uint8Array(await binary.arrayBuffer());
    const data = body.subarray(Number(binary.headers.get("inference-header-content-length")));
    expect(model.bytes(data)).toEqual(model.binary);
    await loaded.release();
  });
});
