import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findSilence, historyHours } from "./find-silence.ts";

/** Hour 0 is a Monday's midnight. */
type Rate = (hourOfDay: number, day: number) => number;

const office: Rate = (hour, day) => (day % 7 < 5 && hour >= 8 && hour < 18 ? 30 : 0);
const tenADay: Rate = (hour) => (hour >= 8 && hour < 18 ? 1 : 0);

/** The history that ends at `now`, in hours; calls end at `stop`. */
const historyAt = (rate: Rate, now: number, { since = 0, stop = Number.POSITIVE_INFINITY } = {}) =>
  Array.from({ length: historyHours }, (_, index) => now - historyHours + index).map((hour) =>
    hour < since || hour >= stop ? 0 : rate(hour % 24, Math.floor(hour / 24)),
  );

/** The hours within `days` of a stop in which a model is silent. */
const listSilentHours = (rate: Rate, options: { since?: number; stop?: number }, from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => from + index).filter(
    (now) => findSilence(historyAt(rate, now, options)) !== undefined,
  );

/** A Wednesday at 12:00, weeks after the first call. */
const noon = (4 * 7 + 2) * 24 + 12;

describe("a model whose calls stop", () => {
  test("is silent an hour later where that hour had 20 calls or more before", () => {
    expect(findSilence(historyAt(office, noon, { stop: noon - 1 }))).toEqual({ hours: 1, expectedCalls: 30 });
    const twenty: Rate = () => 20;
    const nineteen: Rate = () => 19;
    expect(findSilence(historyAt(twenty, noon, { stop: noon - 1 }))).toEqual({ hours: 1, expectedCalls: 20 });
    expect(findSilence(historyAt(nineteen, noon, { stop: noon - 1 }))).toBeUndefined();
  });

  test("is silent after as many hours as 20 calls take", () => {
    const five: Rate = () => 5;
    expect(listSilentHours(five, { stop: noon }, noon, noon + 6)).toEqual([noon + 4, noon + 5]);
  });

  test("stays silent without a gap through nights and weekends, for a week and part of the next, and then not any more", () => {
    const silent = listSilentHours(office, { stop: noon }, noon, noon + 21 * 24);
    expect(silent).toEqual(silent.map((_, index) => noon + 1 + index));
    expect(silent.length).toBeGreaterThan(7 * 24);
    expect(silent.length).toBeLessThan(14 * 24);
  });

  test("with 10 calls a day is silent after two days, not after one", () => {
    const [first] = listSilentHours(tenADay, { stop: noon }, noon, noon + 7 * 24);
    expect(first).toBe(noon + 48);
  });

  test("is no longer silent with its next call", () => {
    const back = historyAt(office, noon, { stop: noon - 5 });
    expect(findSilence(back)).toBeDefined();
    expect(findSilence([...back.slice(1), 1])).toBeUndefined();
  });

  test("is found in its first week by the day before", () => {
    const always: Rate = () => 30;
    const since = noon - 40;
    expect(findSilence(historyAt(always, noon, { since, stop: noon - 1 }))).toEqual({
      hours: 1,
      expectedCalls: 30,
    });
    expect(listSilentHours(always, { since, stop: noon }, noon + 1, noon + 5 * 24)).toHaveLength(5 * 24 - 1);
  });
});

describe("a model is not silent", () => {
  test("while it has its usual calls, with pauses at night and on weekends", () => {
    expect(listSilentHours(office, {}, noon, noon + 14 * 24)).toEqual([]);
  });

  test("with 10 calls a day, at any hour of the day and with a day off", () => {
    expect(listSilentHours(tenADay, {}, noon, noon + 7 * 24)).toEqual([]);
    const dayOff: Rate = (hour, day) => (day === 31 ? 0 : tenADay(hour, day));
    expect(listSilentHours(dayOff, {}, noon, noon + 7 * 24)).toEqual([]);
  });

  test("with fewer than 20 calls a week, whether they come or not", () => {
    const weekly: Rate = (hour, day) => (day % 7 === 1 && hour === 9 ? 19 : 0);
    expect(listSilentHours(weekly, { stop: noon }, noon, noon + 21 * 24)).toEqual([]);
  });

  test("without calls in two weeks, and in its first hours", () => {
    expect(findSilence(historyAt(() => 0, noon))).toBeUndefined();
    expect(findSilence(historyAt(() => 100, noon, { since: noon - 2, stop: noon - 1 }))).toBeUndefined();
    expect(findSilence([])).toBeUndefined();
  });

  test("where one of two weeks before was quiet at the same hours: a campaign, an outage", () => {
    const campaign: Rate = (hour, day) => (day >= 21 && day < 24 ? 500 : hour === 12 ? 1 : 0);
    expect(listSilentHours(campaign, {}, 25 * 24, 34 * 24)).toEqual([]);
  });
});

test("calls in the last hour are never silence, whatever came before", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 1_000 }), { maxLength: historyHours }),
      fc.integer({ min: 1, max: 1_000 }),
      (before, calls) => {
        expect(findSilence([...before, calls])).toBeUndefined();
      },
    ),
  );
});
