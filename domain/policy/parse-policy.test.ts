import { describe, expect, test } from "vitest";
import { emptyIdentities } from "#domain/approval/identities.ts";
import { policyYaml } from "#test/support/toy-model.ts";
import { parsePlatformRules, parsePolicy } from "./parse-policy.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const messageOf = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    if (error instanceof Error && error.name === "PolicyInvalid") return error.message;
    throw error;
  }
  return "";
};
const parse = (text: string) => parsePolicy(bytes(text), "policy.yaml");

describe("a commit's policy.yaml", () => {
  test("with the maximum of approvers is read", () => {
    const approvers = Array.from({ length: 500 }, (_, at) => `U024BE7LH${at + 100}`);
    const text = policyYaml.replace("U024BE7LH, U0SECOND1", approvers.join(",\n    "));
    expect(parse(text).approval.approvers).toHaveLength(500);
  });

  test("of more than 16 KiB is refused without being parsed", () => {
    expect(messageOf(() => parse(`${policyYaml}#${"x".repeat(16_384)}`))).toMatch(/limit 16384/);
  });

  test.each([
    ["a duplicate key", `${policyYaml}\nresources: {}`, /line 16.*duplicate key/],
    ["an anchor", `${policyYaml}\nmore: &a 1`, /line 16.*an anchor or an alias/],
    ["an alias", `${policyYaml}\nmore: *a`, /line 16.*an anchor or an alias/],
    ["80 levels", `${policyYaml}\nmore: ${"[".repeat(80)}${"]".repeat(80)}`, /line 16.*nested deeper/],
    ["a second document", `${policyYaml}\n---\n${policyYaml}`, /line 1[67].*second document/],
    ["invalid YAML", "approval: [", /is not valid YAML: line 1: /],
    ["16,000 brackets", "[".repeat(16_000), /is not valid YAML: line 1: /],
  ])("with %s is refused with its line", (_, text, message) => {
    expect(messageOf(() => parse(text))).toMatch(message);
  });

  test("that is not UTF-8 is refused", () => {
    expect(messageOf(() => parsePolicy(new Uint8Array([0xff]), "policy.yaml"))).toBe(
      "policy.yaml is not UTF-8 text.",
    );
  });
});

test("the file of an operator may also have identities, up to 32 KiB", () => {
  const text = (size: number) =>
    `${policyYaml}\nidentities: { domains: [example.com] }\n#${"x".repeat(size)}`;
  const rules = parsePlatformRules(bytes(text(30_000)), "policy.yaml", emptyIdentities);
  expect(rules.identities.domains).toEqual(["example.com"]);
  expect(messageOf(() => parsePlatformRules(bytes(text(32_768)), "policy.yaml", emptyIdentities))).toMatch(
    /limit 32768/,
  );
});
