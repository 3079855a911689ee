import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApp } from "#inference/app.ts";
import type { Service } from "#inference/service.ts";
import { requireBrowser } from "#test/support/browser.ts";
import { createAppClient } from "#test/support/http/app-client.ts";
import { buildManifest, readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { createChurnService } from "#test/support/onnx/churn-service.ts";
import { startHttpServer } from "#worlds/embedded/gateway/http-server.ts";
import { openapiDocument } from "./openapi-document.ts";

let service: Service;
beforeAll(async () => {
  service = await createChurnService();
});
afterAll(() => service.model.release());

const { rows } = readChurnGolden();
const [row] = rows;
const ask = (path: string, init?: RequestInit) => createAppClient(createApp(service)).request(path, init);
const predict = (body: unknown) =>
  ask("/v1/predict", {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json" },
  });
/** Checks a body against one of the document's schemas, as a client would. */
const follows = async (
  name: keyof ReturnType<typeof openapiDocument>["components"]["schemas"],
  body: unknown,
): Promise<boolean> => {
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
    expect(await follows("Question", { rows })).toBe(true);
    expect(await follows("Answer", await (await predict({ rows })).json())).toBe(true);
    expect(await follows("Model", await (await ask("/v1/model")).json())).toBe(true);
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
    expect(await follows("Question", body)).toBe(false);
    expect((await predict(body)).status).toBe(422);
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

const { skip, launch } = requireBrowser();

test.skipIf(skip)(
  "the page /docs shows the API and sends a request, with no other host in reach",
  async () => {
    await using stack = new AsyncDisposableStack();
    const server = await startHttpServer(0, () => {});
    stack.defer(server.close);
    server.serve(createApp(service));
    const { context } = stack.use(await launch());
    const page = await context.newPage();
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") problems.push(message.text());
    });
    const elsewhere: string[] = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(server.url) && !request.url().startsWith("data:"))
        elsewhere.push(request.url());
    });
    await page.goto(`${server.url}/docs`);
    await page.getByText("Predict each row").click();
    await page.getByRole("button", { name: "Execute" }).click();
    await page.locator(".live-responses-table .response-col_status", { hasText: "200" }).waitFor();
    expect(problems).toEqual([]);
    expect(elsewhere).toEqual([]);
  },
);
