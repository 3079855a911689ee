import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { HttpRequest } from "./http-request.ts";
import { jsonResponse } from "./http-response.ts";
import { createRouter, type PathParams, type Route } from "./router.ts";

const createRequest = (method: string, path: string): HttpRequest => ({
  method,
  path,
  query: "",
  header: () => undefined,
  body: async () => new Uint8Array(),
});
const createRoute = (method: Route["method"], path: string): Route => ({
  method,
  path,
  respond: (_, params) => jsonResponse({ path, params }),
});
const route = createRouter([
  createRoute("GET", "/health"),
  createRoute("GET", "/things"),
  createRoute("POST", "/things"),
  createRoute("GET", "/things/:id"),
  createRoute("POST", "/things/:id/parts/:part"),
]);
const sendRequest = async (method: string, path: string) => {
  const { status, body } = await route(createRequest(method, path));
  const { path: routePath, params }: { path?: string; params?: PathParams } = JSON.parse(String(body));
  return { status, routePath, params };
};

describe("a path", () => {
  test.each<[string, string, string, PathParams]>([
    ["GET", "/health", "/health", {}],
    ["HEAD", "/health", "/health", {}],
    ["POST", "/things", "/things", {}],
    ["GET", "/things/7", "/things/:id", { id: "7" }],
    ["GET", "/things/a%2Fb%20c", "/things/:id", { id: "a/b c" }],
    ["GET", "/things/%zz", "/things/:id", { id: "%zz" }],
    ["POST", "/things/7/parts/8", "/things/:id/parts/:part", { id: "7", part: "8" }],
  ])("%s %s is handled by its route", async (method, path, routePath, params) => {
    expect(await sendRequest(method, path)).toEqual({ status: 200, routePath, params });
  });

  test.each([
    "/",
    "",
    "/health/",
    "//health",
    "/Health",
    "/things/",
    "/things//parts/8",
    "/things/7/parts",
    "/nothing",
  ])("without a route gets 404: %j", async (path) => {
    expect((await sendRequest("GET", path)).status).toBe(404);
  });

  test.each([
    ["DELETE", "/health", "GET, HEAD"],
    ["POST", "/health", "GET, HEAD"],
    ["OPTIONS", "/things", "GET, HEAD, POST"],
    ["GET", "/things/7/parts/8", "POST"],
    ["constructor", "/health", "GET, HEAD"],
  ])("refuses other methods with 405: %s %s", async (method, path, allow) => {
    expect(await route(createRequest(method, path))).toMatchObject({ status: 405, headers: { allow } });
  });

  test("of any text gets a response", async () => {
    const path = fc.oneof(
      fc.string({ unit: "binary" }).map((text) => `/${text}`),
      fc.webPath(),
      fc
        .array(fc.constantFrom("things", "parts", "", "..", "__proto__", "%2e", ":id"))
        .map((parts) => `/${parts.join("/")}`),
    );
    await fc.assert(
      fc.asyncProperty(fc.string(), path, async (method, path) => {
        expect([200, 404, 405]).toContain((await route(createRequest(method, path))).status);
      }),
    );
  });
});
