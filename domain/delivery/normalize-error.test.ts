import { expect, test } from "vitest";
import * as z from "zod";
import { findSentinelSecrets, sentinelSecrets } from "#test/support/sentinel-secrets.ts";
import { normalizeError } from "./normalize-error.ts";

test("data that a contract refuses is ContractBroken: the message names the fields and none of their values", () => {
  const parsed = z
    .object({
      commit: z.string().regex(/^[0-9a-f]{40}$/, "a commit is 40 hex digits"),
      rows: z.array(z.number()),
    })
    .safeParse({ commit: sentinelSecrets.taskToken, rows: [1, sentinelSecrets.inputRow] });
  const error = normalizeError(parsed.error);
  expect(error).toMatchObject({
    name: "ContractBroken",
    message: expect.stringMatching(/commit: a commit is 40 hex digits; rows\.1: .*deliver again/s),
  });
  expect(error instanceof Error && findSentinelSecrets(error.message)).toEqual([]);
});

test("data that no form of a union takes is explained by the closest form", () => {
  const first = z.object({ step: z.int(), approval: z.string() });
  const parsed = z.object({ input: z.union([first, z.object({ step: z.int() })]) }).safeParse({ input: {} });
  expect(normalizeError(parsed.error)).toMatchObject({
    message: expect.stringMatching(/^invalid data: input\.step: Invalid input: expected number/),
  });
});

test("every other error stays as it is", () => {
  const error = new RangeError("no");
  expect(normalizeError(error)).toBe(error);
});
