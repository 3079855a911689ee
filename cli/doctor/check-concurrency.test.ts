import { expect, test } from "vitest";
import { describeConcurrency } from "./check-concurrency.ts";

test("a new account's ten functions are five requests with a key, with the command that asks for more", () => {
  expect(describeConcurrency("prod", 10)).toEqual({
    status: "warning",
    sentence: "prod may run 10 functions at once, so 5 requests with an API key.",
    remedy: expect.stringContaining(
      "--quota-code L-B99A9384 --desired-value 1000, with a profile of prod's account",
    ),
  });
});

test("AWS's usual quota is no finding", () => {
  expect(describeConcurrency("stage", 1_000)).toEqual({
    status: "ok",
    sentence: "stage may run 1000 functions at once, so 500 requests with an API key.",
  });
});
