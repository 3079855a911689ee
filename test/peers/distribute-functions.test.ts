import { expect, test } from "vitest";
import { distributeFunctions } from "./distribute-functions.ts";

const provider = { region: "eu-central-1", allowed_account_ids: ["111111111111"] };

test("functions are spread evenly over the stack's provider and its copies", () => {
  expect(distributeFunctions(["a", "b", "c", "d", "e"], provider, 3)).toEqual({
    copies: [
      { ...provider, alias: "functions_1" },
      { ...provider, alias: "functions_2" },
    ],
    selections: {
      b: { provider: "aws.functions_1" },
      c: { provider: "aws.functions_2" },
      e: { provider: "aws.functions_1" },
    },
  });
});

test("a stack with one function or none has no copy of its provider", () => {
  for (const functions of [[], ["a"]])
    expect(distributeFunctions(functions, provider, 3)).toEqual({ copies: [], selections: {} });
});
