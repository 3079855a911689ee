import { expect, test } from "vitest";
import { HttpProblem } from "#inference/http/http-problem.ts";
import { createRouter } from "#inference/http/router.ts";
import { createAppClient } from "#test/support/http/app-client.ts";
import { createLabelledRows, createRecordsFixture } from "#test/support/records-fixture.ts";
import { predictionsRoutes } from "./predictions-routes.ts";
import { PredictionPage, PredictionRecord } from "./records.ts";

const addresses = (dependencies: Parameters<typeof predictionsRoutes>[0]) => {
  const route = createRouter(predictionsRoutes(dependencies));
  return createAppClient({ handle: async (request) => route(request) });
};

const served = async () => {
  const { recorder, reader } = createRecordsFixture();
  for (let request = 0; request < 30; request += 1)
    await recorder.record(createLabelledRows([request % 3 ? "stay" : "churn"], { id: `r${request}` }));
  const app = addresses({ reader, log: () => {} });
  return { get: (path: string) => app.request(path) };
};

test("a record is returned by its id, and no cache stores it", async () => {
  const { get } = await served();
  const response = await get("/v1/predictions/r7.0");
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(PredictionRecord.parse(await response.json())).toMatchObject({ id: "r7.0" });
  expect((await get("/v1/predictions")).headers.get("cache-control")).toBe("no-store");
});

test("a page has twenty records by default, and its cursor continues the list", async () => {
  const { get } = await served();
  const first = PredictionPage.parse(await (await get("/v1/predictions")).json());
  expect(first).toMatchObject({ total: 30 });
  expect(first.items).toHaveLength(20);
  const rest = await get(`/v1/predictions?limit=100&cursor=${first.cursor}`);
  expect(PredictionPage.parse(await rest.json()).items).toHaveLength(10);
  const churn = PredictionPage.parse(await (await get("/v1/predictions?label=churn")).json());
  expect(churn.items).toHaveLength(10);
  expect(churn).toMatchObject({ total: 10 });
});

test.each([
  ["limit=0", /limit/],
  ["limit=101", /limit/],
  ["limit=", /limit/],
  ["limit=-1", /limit/],
  ["limit=1e1", /limit/],
  ["cursor=", /cursor/],
  ["cursor=garbage", /cursor/],
  [`cursor=${"A".repeat(5_000)}`, /cursor/],
  ["label=", /label/],
  [`label=${"x".repeat(129)}`, /label/],
  ["limit=x&label=", /limit.*label/],
])("an invalid query gets 400 with the rule: %s", async (query, rule) => {
  const { get } = await served();
  const response = await get(`/v1/predictions?${query}`);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(HttpProblem.parse(await response.json())).toMatchObject({
    status: 400,
    type: "urn:slipway:problem:query-invalid",
    detail: expect.stringMatching(rule),
  });
});

test("an id without a record gets 404, and every path does if the service keeps no records", async () => {
  const { get } = await served();
  for (const id of ["r99.0", "r7.1", "%00", "r7", "%E0%A4"])
    expect((await get(`/v1/predictions/${id}`)).status).toBe(404);
  const without = addresses({ log: () => {} });
  for (const path of ["/v1/predictions", "/v1/predictions/r7.0"]) {
    const response = await without.request(path);
    expect(response.status).toBe(404);
    expect(HttpProblem.parse(await response.json()).detail).toMatch(/does not record/);
  }
});

test("an unreadable storage gets 503, and only the log has the reason", async () => {
  const lines: string[] = [];
  const broken = () => Promise.reject(new Error("no such table"));
  const app = addresses({
    reader: { prediction: broken, list: broken },
    log: (line) => lines.push(line),
  });
  for (const path of ["/v1/predictions", "/v1/predictions/r7.0"]) {
    const response = await app.request(path);
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain("table");
  }
  expect(lines).toEqual(Array(2).fill("records could not be read: Error: no such table"));
});
