import { expect, test } from "vitest";
import * as z from "zod";
import { normalizeError } from "#domain/delivery/normalize-error.ts";
import { parseInput } from "./parse-input.ts";

const Input = z.object({ commit: z.number(), step: z.number().default(0) });

test("a step gets the event that its contract parses, without unknown fields", async () => {
  expect(await parseInput(Input, async (input) => input)({ commit: 1, more: 2 })).toEqual({
    commit: 1,
    step: 0,
  });
});

test("an event that the contract refuses ends as ContractBroken, and the step does not run", async () => {
  let ran = false;
  const step = parseInput(Input, async () => {
    ran = true;
  });
  const error = await step({ commit: "c" }).catch((thrown: unknown) => normalizeError(thrown));
  expect(error).toMatchObject({ name: "ContractBroken", message: expect.stringContaining("commit") });
  expect(ran).toBe(false);
});
