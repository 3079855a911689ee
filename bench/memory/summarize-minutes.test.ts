import { expect, test } from "vitest";
import { summarizeMinutes } from "./summarize-minutes.ts";

const sampleEach = (minutes: number, read: (minute: number) => number) =>
  Array.from({ length: 10 * minutes + 1 }, (_, at) => ({ minute: at / 10, megabytes: read(at / 10) }));

test("memory that grows by the same amount each minute has that slope", () => {
  const { first, last, slope } = summarizeMinutes(sampleEach(5, (minute) => 100 + 2 * minute));
  expect(slope).toBeCloseTo(2);
  expect(last - first).toBeCloseTo(8);
});

test("what fills up in the first minute is no growth", () => {
  const { first, last, slope } = summarizeMinutes(sampleEach(5, (minute) => (minute <= 1 ? 50 : 100)));
  expect([first, last, slope]).toEqual([50, 100, 0]);
});

test("the median and the largest are those of all minutes", () => {
  const { median, largest } = summarizeMinutes(sampleEach(4, (minute) => (minute === 2 ? 900 : 100)));
  expect([median, largest]).toEqual([100, 900]);
});
