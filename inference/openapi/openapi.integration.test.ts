import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApp } from "#inference/app.ts";
import { listProblemKinds } from "#inference/http/create-problem.ts";
import { HttpProblem } from "#inference/http/http-problem.ts";
import { PredictResponse } from "#inference/native/predict-response.ts";
import type { Service } from "#inference/service.ts";
import { Golden } from "#model-folder/manifest/manifest.ts";
import { findGoldenDifferences } from "#model-folder/rows/compare-golden.ts";
import { selectExampleRow } from "#model-folder/rows/select-example-row.ts";
import { createAppClient } from "#test/support/http/app-client.ts";
import { buildManifest, readChurnFiles, readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { createChurnService } from "#test/support/onnx/churn-service.ts";
import { openapiDocument } from "./openapi-document.ts";
import { readExampleRow } from "./read-example-row.ts";

let service: Service;
beforeAll(async () => {
  const churn = await createChurnService();
  const readRow = () => readExampleRow("models/churn", churn.model.manifest);
  service = { ...churn, readExampleRow: readRow };
});
afterAll(() => service.model.release());

const { rows } = readChurnGolden();
const [row] = rows;
const ask = (path: string, init?: RequestInit) => createAppClient(createApp(service)).request(path, init);
/** The golden row that equals `row`, with its prediction. */
const takeGolden = (row: unknown) => {
  const golden = Golden.parse(readChurnGolden());
  const index = golden.rows.findIndex((each) => JSON.stringify(each) === JSON.stringify(row));
  return {
    rows: golden.rows.slice(index, index + 1),
    predictions: golden.predictions.slice(index, index + 1),
  };
};
const predict = (body: unknown) =>
  ask("/v1/predict", {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json" },
  });
/** Checks a body against one of the document's schemas, as a client would. */
const follows = async (name: string, body: unknown): Promise<boolean> => {
  const document = openapiDocument(service);
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  const check = ajv.compile({ ...document.components.schemas[name], components: document.components });
  return check(body);
};

describe("/openapi.json", () => {
  const named = { text: { name: "text", type: "string" }, x: { name: "x", type: "number", min: 0, max: 1 } };
  const gates = { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } };
  test.each([
    ["churn", undefined],
    ["a text model", { inputs: [named.text], tokenizer: { maxTokens: 64 } }],
    ["a regression", { task: "regression", inputs: [named.x], output: { name: "y" }, gates }],
    [
      "a regression of two values",
      { task: "regression", inputs: [named.x], output: { names: ["a", "b"] }, gates },
    ],
  ])("is valid OpenAPI 3.1 for %s", async (_, changes) => {
    const { identity, model } = service;
    const document = openapiDocument({
      identity,
      model: { ...model, manifest: changes ? buildManifest(changes) : model.manifest },
    });
    const result = await new Validator().validate(JSON.parse(JSON.stringify(document)));
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
  });

  test("describes the service's requests and responses", async () => {
    expect(await follows("PredictRequest", { rows })).toBe(true);
    expect(await follows("PredictResponse", await (await predict({ rows })).json())).toBe(true);
    expect(await follows("ModelMetadata", await (await ask("/v1/model")).json())).toBe(true);
    expect(await follows("Problem", await (await predict({ rows: [{}] })).json())).toBe(true);
  });

  test.each([
    ["a missing column", { ...row, tenure: undefined }],
    ["an extra column", { ...row, x: 1 }],
    ["a value out of range", { ...row, tenure: 121 }],
    ["an unknown category", { ...row, contract: "Weekly" }],
    ["a number as text", { ...row, tenure: "3" }],
  ])("refuses %s, as the service does", async (_, bad) => {
    const body = JSON.parse(JSON.stringify({ rows: [bad] }));
    expect(await follows("PredictRequest", body)).toBe(false);
    expect((await predict(body)).status).toBe(422);
  });

  test("has a golden row as the example, with what the service responds to it", async () => {
    const { paths } = (await (await ask("/openapi.json")).json()) as ReturnType<typeof openapiDocument>;
    const { requestBody, responses } = paths["/v1/predict"]?.post ?? {};
    const example = requestBody?.content["application/json"]?.example as { rows: readonly unknown[] };
    const expected = PredictResponse.parse(responses?.["200"]?.content?.["application/json"]?.example);
    const isComplete = (each: object) => Object.values(each).every((value) => value !== null);
    expect(example).toEqual({ rows: [rows.find(isComplete)] });
    expect(await follows("PredictResponse", expected)).toBe(true);
    const response = PredictResponse.parse(await (await predict(example)).json());
    expect(expected.predictions).toEqual(response.predictions);
    expect(
      findGoldenDifferences({ ...readChurnGolden(), ...takeGolden(example.rows[0]) }, expected.predictions),
    ).toEqual([]);
  });

  test("has a row of the lowest values where records store no inputs, because golden rows may be confidential", () => {
    const golden = readChurnFiles().get("golden.json") ?? new Uint8Array();
    expect(selectExampleRow(golden, { records: { inputs: "hashed" } })).toBeUndefined();
    expect(selectExampleRow(golden, { records: { inputs: "none" } })).toBeUndefined();
    const large = { rows: [{ text: "a".repeat(40_000) }] };
    expect(
      selectExampleRow(Buffer.from(JSON.stringify(large)), { records: { inputs: "full" } }),
    ).toBeUndefined();
  });

  test("names every kind of problem that the service has", () => {
    const named = new Set(
      Object.values(openapiDocument(service).paths).flatMap((path) =>
        Object.values(path).flatMap(({ responses }) =>
          Object.values(responses).flatMap(({ content }) =>
            Object.keys(content?.["application/problem+json"]?.examples ?? {}),
          ),
        ),
      ),
    );
    // Another method is another operation.
    expect(listProblemKinds().filter((kind) => !named.has(kind))).toEqual(["method-not-allowed"]);
  });

  test.each([
    ["no JSON", "{", {}, 400],
    ["a key twice", '{"rows":[],"rows":[]}', {}, 400],
    ["broken gzip", "x", { "content-encoding": "gzip" }, 400],
    ["a broken table", 'tenure\n"', { "content-type": "text/csv" }, 400],
    ["a page of another site", "{}", { origin: "https://elsewhere.example" }, 403],
    ["too many bytes", "x".repeat(7_000_000), {}, 413],
    ["another type", "x", { "content-type": "text/plain" }, 415],
    ["no rows", '{"rows":[]}', {}, 422],
  ])("documents the response to %s", async (_, body, headers, status) => {
    const init = { method: "POST", body, headers: { "content-type": "application/json", ...headers } };
    const response = await ask("/v1/predict", init);
    expect(response.status).toBe(status);
    const { type, title } = HttpProblem.parse(await response.json());
    const { responses = {} } = openapiDocument(service).paths["/v1/predict"]?.post ?? {};
    const examples = responses[status]?.content?.["application/problem+json"]?.examples ?? {};
    expect(Object.values(examples).map(({ value }) => value)).toContainEqual(
      expect.objectContaining({ type, title, status }),
    );
  });

  test("has the gateway's body beside the problem for each status that API Gateway itself responds with", () => {
    const { responses = {} } = openapiDocument(service).paths["/v1/predict"]?.post ?? {};
    for (const status of ["401", "403", "413", "429", "500", "503"])
      expect(Object.keys(responses[status]?.content ?? {}), status).toEqual([
        "application/problem+json",
        "application/json",
      ]);
    expect(Object.keys(responses["422"]?.content ?? {})).toEqual(["application/problem+json"]);
  });

  test("can be cached by its ETag", async () => {
    const etag = (await ask("/openapi.json")).headers.get("etag") ?? "";
    expect((await ask("/openapi.json", { headers: { "if-none-match": etag } })).status).toBe(304);
  });
});

test("a long response is compressed for a client that accepts gzip, a short one is not", async () => {
  const accept = { headers: { "accept-encoding": "gzip" } };
  expect((await ask("/openapi.json", accept)).headers.get("content-encoding")).toBe("gzip");
  expect((await ask("/health", accept)).headers.get("content-encoding")).toBeNull();
  expect((await ask("/openapi.json")).headers.get("content-encoding")).toBeNull();
});
