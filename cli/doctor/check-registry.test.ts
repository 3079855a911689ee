import { expect, test } from "vitest";
import { checkRegistry } from "./check-registry.ts";

/** MLflow with `search` as its response to the search for models. */
const check = (search: Response, version = "3.17.2") =>
  checkRegistry(
    { fetch: async (input) => (String(input).endsWith("/version") ? new Response(version) : search) },
    { MLFLOW_URI: "https://mlflow.example.com" },
  );

test("an MLflow that lists its models is right", async () => {
  expect(await check(Response.json({ registered_models: [] }))).toMatchObject({ status: "ok" });
});

test("the tables of another version are found, although the server responds to /version", async () => {
  const message =
    "Detected out-of-date database schema (found version 1b5f0d9ad7c1, but expected 400f98739977). Take a backup of your database, then run 'mlflow db upgrade <database_uri>' to migrate your database to the latest schema.";
  expect(
    await check(Response.json({ error_code: "INTERNAL_ERROR", message }, { status: 500 })),
  ).toMatchObject({
    status: "missing",
    sentence: expect.stringContaining("the tables of another version"),
    remedy: expect.stringContaining("mlflow db upgrade"),
  });
});

test("a database that resumes is a warning; another error is missing, with its message", async () => {
  expect(await check(new Response("Service Unavailable", { status: 503 }))).toMatchObject({
    status: "warning",
    remedy: expect.stringContaining("Aurora"),
  });
  expect(await check(Response.json({ message: "no such table" }, { status: 500 }))).toMatchObject({
    status: "missing",
    sentence: expect.stringContaining("no such table"),
  });
});
