import { expect, test } from "vitest";
import { formatCurlCommand } from "./format-curl-command.ts";

const example = { url: "http://localhost/models/a", body: '{"rows":[{"name":"it\'s"}]}' };

test("a body is quoted for the shell, and a long one is read from its file", () => {
  expect(formatCurlCommand(example, { keyed: false })).toContain(`-d '{"rows":[{"name":"it'\\''s"}]}'`);
  expect(formatCurlCommand(example, { keyed: true, file: "/data/example-request.json" })).toBe(
    `curl -s http://localhost/models/a/v1/predict -H "x-api-key: $SLIPWAY_KEY" -H 'content-type: application/json' -d '@/data/example-request.json'`,
  );
});
