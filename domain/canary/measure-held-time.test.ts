import { expect, test } from "vitest";
import { measureHeldTime } from "./measure-held-time.ts";

const hour = 3_600_000;
const startedAt = 100 * hour;
const at = (hours: number) => startedAt + hours * hour;
const person = { by: "U024BE7LH", name: "Ada", reason: "a sale", endedAt: null };
const closed = {
  ...{ delivery: "d", model: "churn" },
  // It waited before its canary, too.
  earlier: [
    { from: at(-3), to: at(-1) },
    { from: at(2), to: at(4) },
  ],
};

test("the time that a person and a closed prod held together counts once", () => {
  const control = { holds: [{ ...person, at: at(1), until: at(3) }] };
  expect(measureHeldTime({ control, hold: { ...closed, current: null } }, { startedAt, now: at(6) })).toBe(
    3 * hour,
  );
});

test("a hold and a closing that go on count up to now, and one that was ended early up to its end", () => {
  const control = {
    holds: [
      { ...person, at: at(0), until: at(2), endedAt: at(1) },
      { ...person, at: at(5), until: at(20) },
    ],
  };
  const current = { since: at(6), until: null, why: "frozen" };
  expect(measureHeldTime({ control, hold: undefined }, { startedAt, now: at(8) })).toBe(4 * hour);
  expect(measureHeldTime({ control, hold: { ...closed, current } }, { startedAt, now: at(8) })).toBe(
    6 * hour,
  );
});
