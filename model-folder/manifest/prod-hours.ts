import * as z from "zod";

const weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
type Weekday = (typeof weekdays)[number];
const weekdayNames: readonly string[] = weekdays;

/** Minutes of the local day: `from` belongs to it, `to` does not. */
type HourRange = { readonly days: readonly Weekday[]; readonly from: number; readonly to: number };

export type ParsedProdHours = { readonly ranges: readonly HourRange[]; readonly timeZone: string };

/** All present offsets from UTC are multiples of it, so hours on this grid begin and end on it everywhere. */
export const gridMinutes = 15;

const example = "mon-fri 08:00-18:00 Europe/Zurich";

const parseDays = (text: string): readonly Weekday[] | undefined => {
  const [first, last = first] = text.split("-").map((day) => weekdayNames.indexOf(day));
  if (first === undefined || last === undefined || first < 0 || last < first || text.split("-").length > 2)
    return undefined;
  return weekdays.slice(first, last + 1);
};

const parseTime = (text: string): number | undefined => {
  const [, hours, minutes] = /^(\d{2}):(\d{2})$/.exec(text) ?? [];
  const time = Number(hours) * 60 + Number(minutes);
  return Number(minutes) < 60 && time <= 1_440 && time % gridMinutes === 0 ? time : undefined;
};

const isTimeZone = (name: string): boolean => {
  // Offsets would ignore daylight saving time; names have a slash, apart from UTC.
  if (name !== "UTC" && !name.includes("/")) return false;
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
};

const parseRange = (text: string): HourRange | string => {
  const [, dayText = "", fromText = "", toText = ""] = /^(\S+) ([\d:]+)-([\d:]+)$/.exec(text) ?? [];
  if (dayText === "") return `"${text}" has no form like mon-fri 08:00-18:00`;
  const days = parseDays(dayText);
  if (!days) return `"${dayText}" is no day or range of days like mon-fri (mon to sun)`;
  const [from, to] = [parseTime(fromText), parseTime(toText)];
  if (from === undefined || to === undefined)
    return `${fromText}-${toText} is no range of quarter hours like 08:00-18:00 (at most 24:00)`;
  if (from >= to)
    return `${fromText}-${toText} ends before it begins: write hours after midnight as a range of the next day`;
  return { days, from, to };
};

const parse = (text: string): ParsedProdHours | string => {
  const [, rangeText = "", timeZone = ""] = /^(.+) (\S+)$/.exec(text) ?? [];
  if (!isTimeZone(timeZone))
    return `hours end with a time zone like Europe/Zurich or UTC, for example ${example}`;
  const ranges: HourRange[] = [];
  for (const each of rangeText.split(",")) {
    const range = parseRange(each.trim());
    if (typeof range === "string") return range;
    ranges.push(range);
  }
  return { ranges, timeZone };
};

/** `mon-thu 08:00-18:00, fri 08:00-12:00 Europe/Zurich`: local times, open in any of the ranges. */
export const ProdHours = z
  .string()
  .max(500)
  .superRefine((text, context) => {
    const parsed = parse(text);
    if (typeof parsed === "string") context.addIssue({ code: "custom", message: parsed });
  });

/** Throws RangeError for a text that `ProdHours` refuses. */
export const parseProdHours = (text: string): ParsedProdHours => {
  const parsed = parse(text);
  if (typeof parsed === "string") throw new RangeError(parsed);
  return parsed;
};

/** When deliveries may change prod. */
export const ChangeRule = z.strictObject({
  prodHours: z
    .array(ProdHours)
    .max(10)
    .optional()
    .describe(
      `hours in which a delivery may change prod, for example ${example}; several ranges are separated by commas; of several entries all must be open; a rollback is always allowed`,
    ),
});
