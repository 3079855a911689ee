import { expect, test } from "vitest";
import { formatAnnotation } from "./format-annotation.ts";

const problem = {
  severity: "error",
  file: "models/churn/model.yaml",
  line: 12,
  column: 5,
  path: "inputs[3].min",
  message: "must be below max",
  remedy: "Correct it.",
} as const;

test("an error stands at its line and column, with its path as the title", () => {
  expect(formatAnnotation(problem)).toBe(
    "::error file=models/churn/model.yaml,line=12,col=5,title=inputs[3].min::must be below max. Correct it.",
  );
});

test("a warning is one, unless the delivery will fail", () => {
  const warning = { ...problem, severity: "warning" } as const;
  expect(formatAnnotation(warning)).toMatch(/^::warning /);
  expect(formatAnnotation({ ...warning, failsDelivery: true })).toMatch(/^::error /);
});

test("a file without lines has none", () => {
  const { line: _, column: __, ...whole } = { ...problem, path: "" };
  expect(formatAnnotation(whole)).toMatch(/^::error file=models\/churn\/model\.yaml,title=slipway check::/);
});

test("texts of a manifest cannot begin another command or property", () => {
  const hostile = "100 %\r\n::set-output name=x::y, a:b";
  const text = formatAnnotation({ ...problem, file: "a,b:c.yaml", path: hostile, message: hostile });
  expect(text).toBe(
    "::error file=a%2Cb%3Ac.yaml,line=12,col=5,title=100 %25%0D%0A%3A%3Aset-output name=x%3A%3Ay%2C a%3Ab::100 %25%0D%0A::set-output name=x::y, a:b. Correct it.",
  );
  expect(text.split(/[\r\n]/)).toHaveLength(1);
});
