import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApp } from "#inference/app.ts";
import { RowsInvalid } from "#inference/model/rows-invalid.ts";
import type { Service } from "#inference/service.ts";
import type { Prediction, Row } from "#model-folder/manifest/manifest.ts";
import { createAppClient } from "#test/support/http/app-client.ts";
import { readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { createChurnService } from "#test/support/onnx/churn-service.ts";
import { createTestService } from "#test/support/onnx/create-test-service.ts";
import { loadSmallModel, smallModels } from "#test/support/onnx/small-models.ts";

let service: Service;
beforeAll(async () => {
  service = await createChurnService();
});
afterAll(() => service.model.release());

const rows: Row[] = readChurnGolden().rows.slice(0, 4);
const csv = rows.map((row) => Object.values(row).join(",")).join("\n");
const post = (body: string, headers: Record<string, string>, name = "churn", of = service) =>
  createAppClient(createApp(of)).request(`/endpoints/${name}/invocations`, { method: "POST", body, headers });
const read = async (response: Response) => Object(await response.json());
const lineOf = ({ label, band, scores }: Prediction) => [label, band, scores.stay, scores.churn].join(",");

describe("SageMaker's runtime API", () => {
  test("accepts and returns CSV without a header", async () => {
    const response = await post(csv, { "content-type": "text/csv", accept: "text/csv" });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^text\/csv/);
    expect(response.headers.get("x-amzn-invoked-production-variant")).toBe("3");
    const lines = (await service.model.predict(rows)).map(lineOf);
    expect((await response.text()).trim().split(/\r\n/)).toEqual(lines);
  });

  test.each(["text/csv;label_size=0", "text/csv; header=absent", "TEXT/CSV; charset=UTF-8"])(
    "takes CSV as %s",
    async (type) => {
      expect((await post(csv, { "content-type": type })).status).toBe(200);
    },
  );

  test("accepts a header if the content type says so", async () => {
    const text = `${Object.keys(rows[0] ?? {}).join(",")}\n${csv}`;
    const response = await post(text, { "content-type": "text/csv; header=present" });
    expect((await read(response)).predictions).toHaveLength(rows.length);
  });

  test("returns JSON with labels in their own type", async () => {
    const small = smallModels["a matrix with a category's places, and integer labels"];
    const model = await loadSmallModel(small);
    const json = { "content-type": "application/json" };
    const body = JSON.stringify({ instances: small.rows.map((row) => ({ features: Object.values(row) })) });
    const { predictions } = await read(await post(body, json, "matrix", createTestService(model)));
    expect(predictions.map(({ label }: { label: unknown }) => label)).toEqual([7, 8]);
    await model.release();
  });

  test("returns ModelError with the model's problem for an invalid value", async () => {
    const response = await post(csv.replace(/Month-to-month|One year|Two year/, "Weekly"), {
      "content-type": "text/csv",
    });
    expect(response.status).toBe(424);
    expect(response.headers.get("x-amzn-errortype")).toBe("ModelError");
    const body = await read(response);
    expect(body).toMatchObject({
      OriginalStatusCode: 422,
      Message: expect.stringContaining("client error (422)"),
    });
    expect(JSON.parse(body.OriginalMessage).errors).toMatchObject([{ pointer: "/rows/0/contract" }]);
  });

  test.each([
    ["a type that it does not read", "application/x-recordio-protobuf", csv, 415],
    ["a torn line", "text/csv", "1,2\n3", 422],
    ["nothing", "text/csv", "", 422],
    ["an open quote", "text/csv", '"', 400],
    ["no JSON", "application/json", "{", 400],
  ])("returns ModelError for %s", async (_, type, body, original) => {
    const response = await post(body, { "content-type": type });
    expect([response.status, (await read(response)).OriginalStatusCode]).toEqual([424, original]);
  });

  test("returns a server error if the model fails", async () => {
    const broken = createTestService({
      ...service.model,
      predict: () => Promise.reject(new Error("broken")),
    });
    const body = await read(await post(csv, { "content-type": "text/csv" }, "churn", broken));
    expect(body).toMatchObject({
      OriginalStatusCode: 500,
      Message: expect.stringContaining("server error (500)"),
    });
    expect(JSON.stringify(body)).not.toContain("broken");
  });

  test.each(["other", "Churn", "%00", "%ff", "x".repeat(5_000)])(
    "knows no endpoint of another name: %s",
    async (name) => {
      const never = createTestService({
        ...service.model,
        predict: () => Promise.reject(new RowsInvalid([])),
      });
      const response = await post(csv, { "content-type": "text/csv" }, name, never);
      expect(response.status).toBe(400);
      expect(response.headers.get("x-amzn-errortype")).toBe("ValidationError");
      expect((await read(response)).Message.length).toBeLessThan(200);
    },
  );
});
