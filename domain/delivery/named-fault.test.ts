import { expect, test } from "vitest";
import * as z from "zod";
import { markedIn, markedSecrets } from "#test/support/marked-secrets.ts";
import { namedFault } from "./named-fault.ts";

test("what a contract refuses is ContractBroken: it names the places, and nothing of what stood there", () => {
  const read = z
    .object({
      commit: z.string().regex(/^[0-9a-f]{40}$/, "a commit is 40 hex digits"),
      rows: z.array(z.number()),
    })
    .safeParse({ commit: markedSecrets.taskToken, rows: [1, markedSecrets.inputRow] });
  const fault = namedFault(read.error);
  expect(fault).toMatchObject({
    name: "ContractBroken",
    message: expect.stringMatching(/commit: a commit is 40 hex digits; rows\.1: .*deliver again/s),
  });
  expect(fault instanceof Error && markedIn(fault.message)).toEqual([]);
});

test("every other fault keeps its name", () => {
  const fault = new RangeError("no");
  expect(namedFault(fault)).toBe(fault);
});
