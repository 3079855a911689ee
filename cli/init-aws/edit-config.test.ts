import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { editConfig } from "./edit-config.ts";
import { findLiteral } from "./find-literal.ts";

const shipped = readFileSync(new URL("../../terraform/config.ts", import.meta.url), "utf8");
const read = (text: string, ...path: readonly string[]) => {
  const range = findLiteral(text, path);
  return range && text.slice(range.start, range.end);
};

test("every value that the command writes is found in the shipped configuration", () => {
  expect(read(shipped, "tooling", "account")).toBe('"111111111111"');
  expect(read(shipped, "prod", "account")).toBe('"333333333333"');
  expect(read(shipped, "tooling", "trial")).toBe("false");
  expect(read(shipped, "tooling", "slack", "channel")).toBe('"C0000000000"');
  expect(read(shipped, "tooling", "source")).toBe(
    '{ host: "codecommit", repository: "models", branch: "main" }',
  );
  expect(read(shipped, "tooling", "registry", "zones")).toBe('["us-east-1a", "us-east-1b"]');
  expect(read(shipped, "tooling", "ci", "repository")).toBe('"example/models"');
  expect(read(shipped, "stage", "externalId")).toBe('"slipway-stage-7d1f5c"');
});

test("a value is found behind comments, strings and templates that look like code, and no other of its name", () => {
  const text = `
const tooling = {
  // account: "no",
  note: "a, } account: 1", /* account: "no" */
  "other": \`\${"account: }"}\`,
  nested: { account: "inner" },
  ...spread,
  account: compute({ a: 1 }, "x") /* why */,
};
const stage = { account: "2" };
`;
  expect(read(text, "tooling", "account")).toBe('compute({ a: 1 }, "x")');
  expect(read(text, "tooling", "nested", "account")).toBe('"inner"');
  expect(read(text, "stage", "account")).toBe('"2"');
  expect(read(text, "tooling", "absent")).toBeUndefined();
  expect(read(text, "prod", "account")).toBeUndefined();
  expect(read(text, "stage", "account", "inner")).toBeUndefined();
});

test("an edit changes its values and no other character", () => {
  const byHand = shipped.replace('channel: "C0000000000"', 'channel: "C0000000000", // of the team');
  const edited = editConfig(byHand, [
    { path: ["prod", "account"], value: "123456789012" },
    { path: ["tooling", "slack", "channel"], value: "C0NEW" },
    { path: ["tooling", "operators"], value: ["arn:aws:iam::123456789012:role/a", "arn:aws:iam::1:role/b"] },
  ]);
  expect(edited).toContain('channel: "C0NEW", // of the team');
  expect(edited).toBe(
    byHand
      .replace('"333333333333"', '"123456789012"')
      .replace('"C0000000000"', '"C0NEW"')
      .replace(
        '["arn:aws:iam::111111111111:role/slipway-people-*"]',
        '["arn:aws:iam::123456789012:role/a", "arn:aws:iam::1:role/b"]',
      ),
  );
});

test("a value that is not written as a literal is named with what to write, and nothing is edited", () => {
  expect(() =>
    editConfig("const tooling = makeTooling();", [{ path: ["tooling", "account"], value: "1" }]),
  ).toThrow(/tooling\.account: write "1"/);
});
