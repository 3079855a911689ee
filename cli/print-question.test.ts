import { expect, test, vi } from "vitest";
import { createConsoleWorld, openDelivery } from "#test/support/console/console-world.ts";
import { printQuestion } from "./print-question.ts";

/** What a person reads. */
const read = (state: Parameters<typeof printQuestion>[0]): string => {
  const lines: string[] = [];
  const output = vi.spyOn(process.stdout, "write").mockImplementation((line) => {
    lines.push(String(line));
    return true;
  });
  try {
    printQuestion(state);
  } finally {
    output.mockRestore();
  }
  return lines.join("");
};

test("the terminal shows what the message shows: what it was compared with, earlier decisions, waiting answers, the broken glass", async () => {
  const { world } = await createConsoleWorld();
  const state = await world.messages.state(openDelivery);
  world.close();
  if (state?.question?.status !== "open") throw new Error("the delivery has no open question");
  const ada = { user: "U024BE7LH", name: "Ada" };
  expect(read(state)).toContain(`Compared with ${state.baseline}, which prod served then`);
  expect(read({ ...state, baseline: null })).not.toContain("Compared with");
  const text = read({
    ...state,
    decisions: [
      { canaryPercent: null, by: [ada] },
      { canaryPercent: 10, by: [ada, { user: "U2", name: "Kim" }] },
    ],
    question: { ...state.question, waiting: [{ user: "U3", name: "Bo" }] },
    breakGlass: { user: "U4", name: "Kay", reason: "prices are wrong", at: 1 },
    rejectedBefore: { delivery: "toy-1", by: [ada], at: 1, reason: "recall fell", canaryPercent: null },
  });
  expect(text).toContain("! Rejected before by Ada on 1970-01-01: recall fell.");
  expect(text).toContain("Approved before by Ada: it goes to prod");
  expect(text).toContain("Approved before by Ada, Kim: the canary goes on from 10 % without a verdict");
  expect(text).toContain("Although prod was closed, Kay let it go on: prices are wrong");
  expect(text).toContain("Answers that count once Slack shows the address: Bo");
});

test("the question of a canary names the checks without a verdict, not a cause that was none", async () => {
  const { world } = await createConsoleWorld();
  const state = await world.messages.state(openDelivery);
  world.close();
  if (state?.question?.status !== "open") throw new Error("the delivery has an open question");
  const question = { ...state.question, canaryPercent: 10 };
  const check = { verdict: "pass", measured: 1_366, limit: 200, unit: "requests", detail: "" } as const;
  const samples = { ...check, name: "canary samples" };
  const p95 = { ...check, name: "canary latency p95", verdict: "inconclusive" as const };
  expect(read({ ...state, question, checks: [samples, p95] })).toContain(
    "! The canary has no verdict at 10 % of prod: latency p95 is inconclusive. If you approve, it goes on without proof.",
  );
  expect(read({ ...state, question, checks: [{ ...samples, measured: 57 }, p95] })).toContain(
    "live traffic was not enough (57 of the 200 requests",
  );
});
