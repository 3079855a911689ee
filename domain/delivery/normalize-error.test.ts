import { expect, test } from "vitest";
import * as z from "zod";
import { findSentinelSecrets, sentinelSecrets } from "#test/support/sentinel-secrets.ts";
import { normalizeError } from "./normalize-error.ts";

test("what a contract refuses is ContractBroken: it names the places, and nothing of what stood there", () => {
  const read = z
    .object({
      commit: z.string().regex(/^[0-9a-f]{40}$/, "a commit is 40 hex digits"),
      rows: z.array(z.number()),
    })
    .safeParse({ commit: sentinelSecrets.taskToken, rows: [1, sentinelSecrets.inputRow] });
  const fault = normalizeError(read.error);
  expect(fault).toMatchObject({
    name: "ContractBroken",
    message: expect.stringMatching(/commit: a commit is 40 hex digits; rows\.1: .*deliver again/s),
  });
  expect(fault instanceof Error && findSentinelSecrets(fault.message)).toEqual([]);
});

test("every other fault keeps its name", () => {
  const fault = new RangeError("no");
  expect(normalizeError(fault)).toBe(fault);
});
