import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProdHours } from "#model-folder/manifest/prod-hours.ts";
import { findOpening } from "./find-opening.ts";

const at = (iso: string) => Date.parse(iso);
const findNext = (hours: string | readonly string[], from: string) => {
  const opening = findOpening([hours].flat(), at(from));
  return opening === undefined ? undefined : new Date(opening).toISOString();
};

describe("hours follow the clocks of their time zone", () => {
  const office = "mon-fri 08:00-18:00 Europe/Zurich";
  test.each([
    ["winter, an hour before UTC's clock", "2026-01-05T06:59:59Z", "2026-01-05T07:00:00.000Z"],
    ["summer, two hours before it", "2026-07-06T05:59:59Z", "2026-07-06T06:00:00.000Z"],
    ["open: at once, to the millisecond", "2026-01-05T09:12:34.567Z", "2026-01-05T09:12:34.567Z"],
    ["the last second", "2026-01-05T16:59:59Z", "2026-01-05T16:59:59.000Z"],
    ["the end belongs to the closed time", "2026-01-05T17:00:00Z", "2026-01-06T07:00:00.000Z"],
    ["a weekend in which the clocks change", "2026-03-27T18:00:00Z", "2026-03-30T06:00:00.000Z"],
    ["the weekend in autumn", "2026-10-23T18:00:00Z", "2026-10-26T07:00:00.000Z"],
  ])("%s", (_, from, opening) => expect(findNext(office, from)).toBe(opening));

  test("hours that the clock skips do not exist on that day", () =>
    expect(findNext("sun 02:00-03:00 Europe/Zurich", "2026-03-28T12:00:00Z")).toBe(
      "2026-04-05T00:00:00.000Z",
    ));
  test("an hour that the clock repeats is open twice", () => {
    const hours = "sun 02:00-03:00 Europe/Zurich";
    for (const open of ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"])
      expect(findOpening([hours], at(open))).toBe(at(open));
  });
  test("the whole day, with its last quarter hour", () =>
    expect(findNext("mon 00:00-24:00 UTC", "2026-01-05T23:59:59Z")).toBe("2026-01-05T23:59:59.000Z"));
  test("several ranges: open in any; several entries: open in all", () => {
    const shifts = "mon-thu 08:00-12:00, mon-thu 13:00-17:00, fri 08:00-12:00 UTC";
    expect(findNext(shifts, "2026-01-05T12:30:00Z")).toBe("2026-01-05T13:00:00.000Z");
    expect(findNext(shifts, "2026-01-09T12:00:00Z")).toBe("2026-01-12T08:00:00.000Z");
    expect(findNext([shifts, "tue-fri 10:00-16:00 UTC"], "2026-01-05T09:00:00Z")).toBe(
      "2026-01-06T10:00:00.000Z",
    );
  });
  test("hours that never meet have no opening", () =>
    expect(findNext(["mon 08:00-12:00 UTC", "tue 08:00-12:00 UTC"], "2026-01-05T09:00:00Z")).toBeUndefined());
});

test.each([
  ["mon-fri 08:00-18:00", /time zone/],
  ["mon-fri 08:00-18:00 +01:00", /time zone/],
  ["mon-fri 08:00-18:00 CET", /time zone/],
  ["mon-fri 08:00-18:00 Europe/Nowhere", /time zone/],
  ["mon-fri 8-18 Europe/Zurich", /quarter hours/],
  ["mon-fri 08:07-18:00 Europe/Zurich", /quarter hours/],
  ["mon-fri 08:00-24:15 Europe/Zurich", /quarter hours/],
  ["mon-fri 08:60-18:00 Europe/Zurich", /quarter hours/],
  ["mon-fri 22:00-06:00 Europe/Zurich", /ends before it begins/],
  ["fri-mon 08:00-18:00 Europe/Zurich", /no day or range/],
  ["mon-wed-fri 08:00-18:00 Europe/Zurich", /no day or range/],
  ["weekdays 08:00-18:00 Europe/Zurich", /no day or range/],
  ["mon-fri 08:00-18:00, Europe/Zurich", /no form like/],
  ["", /time zone/],
])("%j is refused with what to write", (text, message) =>
  expect(ProdHours.safeParse(text).error?.issues[0]?.message).toMatch(message),
);

/** An independent reading of the same text, by another format of the same clock. */
const isOpenByWallClock = (text: string, moment: number): boolean => {
  const zone = text.split(" ").at(-1) ?? "";
  const wall = new Date(moment).toLocaleString("sv-SE", { timeZone: zone });
  const day = new Date(`${wall.slice(0, 10)}T12:00:00Z`).getUTCDay();
  const names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
  const order = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
  const time = wall.slice(11, 16);
  return text
    .slice(0, -zone.length - 1)
    .split(", ")
    .some((range) => {
      const [days = "", hours = ""] = range.split(" ");
      const [first = "", last = first] = days.split("-");
      const [from = "", to = ""] = hours.split("-");
      const today = order.indexOf(names[day] ?? "");
      return order.indexOf(first) <= today && today <= order.indexOf(last) && from <= time && time < to;
    });
};
const quarter = (minutes: number) =>
  `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
const range = fc
  .record({
    days: fc.uniqueArray(fc.nat(6), { minLength: 2, maxLength: 2 }),
    hours: fc.uniqueArray(fc.nat(96), { minLength: 2, maxLength: 2 }),
  })
  .map(({ days, hours }) => {
    const names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    const [first = 0, last = 0] = days.toSorted((a, b) => a - b);
    const [from = 0, to = 0] = hours.toSorted((a, b) => a - b);
    return `${names[first]}-${names[last]} ${quarter(from * 15)}-${quarter(to * 15)}`;
  });
const zones = [
  "Europe/Zurich",
  "America/New_York",
  "America/St_Johns",
  "Asia/Kathmandu",
  "Australia/Lord_Howe",
  "Pacific/Chatham",
  "UTC",
];
const hours = fc
  .record({
    ranges: fc.array(range, { minLength: 1, maxLength: 3 }),
    zone: fc.constantFrom(...zones),
  })
  .map(({ ranges, zone }) => `${ranges.join(", ")} ${zone}`);

test("an opening is the first moment at which every clock is in its hours", () => {
  fc.assert(
    fc.property(
      fc.array(hours, { maxLength: 3 }),
      fc.integer({ min: at("2026-01-01T00:00:00Z"), max: at("2027-01-01T00:00:00Z") }),
      (texts, from) => {
        for (const text of texts) expect(ProdHours.safeParse(text).success, text).toBe(true);
        const isOpen = (moment: number) => texts.every((text) => isOpenByWallClock(text, moment));
        const opening = findOpening(texts, from);
        const end = opening ?? from + 7 * 86_400_000;
        if (opening !== undefined) expect(isOpen(opening)).toBe(true);
        // Minute by minute around the ends, and a sample between them.
        for (let moment = from; moment < end; moment += Math.max(60_000, (end - from) / 50))
          expect(isOpen(moment)).toBe(false);
        if (end > from) expect(isOpen(end - 1)).toBe(false);
      },
    ),
    { numRuns: 60 },
  );
});

test.each([
  ["Europe/Zurich", "2026-03-29", "2026-10-25"],
  ["America/New_York", "2026-03-08", "2026-11-01"],
])(
  "in %s prod is open exactly in its hours, in every quarter hour around each change of the clock",
  (zone, ...days) => {
    const texts = ["mon-sun 01:30-02:30", "mon-sat 02:00-03:00, sun 02:15-02:45"];
    for (const day of days)
      for (const text of texts.map((ranges) => `${ranges} ${zone}`)) {
        const start = at(`${day}T00:00:00Z`) - 43_200_000;
        const moments = Array.from({ length: 2 * 96 }, (_, index) => start + index * 900_000);
        const wrong = moments.filter(
          (moment) => (findOpening([text], moment) === moment) !== isOpenByWallClock(text, moment),
        );
        expect(wrong.map((moment) => `${text} ${new Date(moment).toISOString()}`)).toEqual([]);
      }
  },
);

test("more hours never open prod earlier", () => {
  fc.assert(
    fc.property(
      fc.array(hours, { maxLength: 2 }),
      fc.array(hours, { maxLength: 2 }),
      fc.integer({ min: at("2026-01-01T00:00:00Z"), max: at("2027-01-01T00:00:00Z") }),
      (some, more, from) => {
        const both = findOpening([...some, ...more], from) ?? Number.POSITIVE_INFINITY;
        expect(both).toBeGreaterThanOrEqual(findOpening(some, from) ?? Number.POSITIVE_INFINITY);
      },
    ),
    { numRuns: 60 },
  );
});
