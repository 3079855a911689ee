import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { HttpRequest } from "./http-request.ts";
import { jsonResponse } from "./http-response.ts";
import { createRouter, type PathParams, type Route } from "./router.ts";

const asked = (method: string, path: string): HttpRequest => ({
  method,
  path,
  query: "",
  header: () => undefined,
  body: async () => new Uint8Array(),
});
const shows = (method: Route["method"], path: string): Route => ({
  method,
  path,
  respond: (_, params) => jsonResponse({ path, params }),
});
const route = createRouter([
  shows("GET", "/health"),
  shows("GET", "/things"),
  shows("POST", "/things"),
  shows("GET", "/things/:id"),
  shows("POST", "/things/:id/parts/:part"),
]);
const answered = async (method: string, path: string) => {
  const { status, body } = await route(asked(method, path));
  const { path: found, params }: { path?: string; params?: PathParams } = JSON.parse(String(body));
  return { status, found, params };
};

describe("an address", () => {
  test.each<[string, string, string, PathParams]>([
    ["GET", "/health", "/health", {}],
    ["HEAD", "/health", "/health", {}],
    ["POST", "/things", "/things", {}],
    ["GET", "/things/7", "/things/:id", { id: "7" }],
    ["GET", "/things/a%2Fb%20c", "/things/:id", { id: "a/b c" }],
    ["GET", "/things/%zz", "/things/:id", { id: "%zz" }],
    ["POST", "/things/7/parts/8", "/things/:id/parts/:part", { id: "7", part: "8" }],
  ])("%s %s is answered by its route", async (method, path, found, params) => {
    expect(await answered(method, path)).toEqual({ status: 200, found, params });
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
  ])("that no route has is 404: %j", async (path) => {
    expect((await answered("GET", path)).status).toBe(404);
  });

  test.each([
    ["DELETE", "/health", "GET, HEAD"],
    ["POST", "/health", "GET, HEAD"],
    ["OPTIONS", "/things", "GET, HEAD, POST"],
    ["GET", "/things/7/parts/8", "POST"],
    ["constructor", "/health", "GET, HEAD"],
  ])("takes no other methods than its own: %s %s", async (method, path, allow) => {
    expect(await route(asked(method, path))).toMatchObject({ status: 405, headers: { allow } });
  });

  test("is answered or refused, whatever it is", async () => {
    const path = fc.oneof(
      fc.string({ unit: "binary" }).map((text) => `/${text}`),
      fc.webPath(),
      fc
        .array(fc.constantFrom("things", "parts", "", "..", "__proto__", "%2e", ":id"))
        .map((parts) => `/${parts.join("/")}`),
    );
    await fc.assert(
      fc.asyncProperty(fc.string(), path, async (method, path) => {
        expect([200, 404, 405]).toContain((await route(asked(method, path))).status);
      }),
    );
  });
});
