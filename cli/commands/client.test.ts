import { expect, test } from "vitest";
import { explainUse } from "./client.ts";

const explain = (folder: string, language: "ts" | "python", model = "churn") =>
  explainUse(folder, language, { from: "/home/ada/work", model });

test("the example imports the client by a path that exists, wherever its folder is", () => {
  expect(explain("churn-client", "ts")[0]).toBe('import { predict } from "./churn-client/index.js";');
  expect(explain("lib/cts", "ts")[0]).toContain('"./lib/cts/index.js"');
  expect(explain("/home/ada/cts", "ts")[0]).toContain('"../cts/index.js"');
  expect(explain("/tmp/x/cts", "ts")[0]).toContain('"../../../tmp/x/cts/index.js"');
});

test("in Python the package is imported by its name, and its folder is put on the path where it is elsewhere", () => {
  expect(explain("churn_client", "python")).not.toContainEqual(expect.stringContaining("PYTHONPATH"));
  const lines = explain("/tmp/x/churn_client", "python");
  expect(lines).toContain("export PYTHONPATH=../../../tmp/x");
  expect(lines).toContain("from churn_client import AuthenticatedClient");
});

test("the example calls the service that the client was made from", () => {
  expect(explain("c", "ts", "https://models.example.com/prod/churn/openapi.json")[1]).toContain(
    'baseUrl: "https://models.example.com/prod/churn"',
  );
  expect(explain("c", "python", "http://127.0.0.1:4901/").at(-1)).toContain(
    'base_url="http://127.0.0.1:4901"',
  );
  expect(explain("c", "ts")[1]).toContain("http://localhost:8080");
});

test("who has the TypeScript client learns that Node does not run it as it is", () => {
  expect(explain("c", "ts").at(-1)).toMatch(/compile it .* or bundle it/);
});
