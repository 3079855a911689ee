import { gridMinutes, type ParsedProdHours, parseProdHours } from "#model-folder/manifest/prod-hours.ts";

const gridMs = gridMinutes * 60_000;
/** Two weeks: hours repeat every week, and one with a change of the clock may have no opening. */
const horizonSteps = (14 * 86_400_000) / gridMs;

const createFormat = (timeZone: string) =>
  new Intl.DateTimeFormat("en-US", {
    timeZone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });

/** Whether a moment lies in the hours, by the clocks of their time zone. */
const createTest = ({ ranges, timeZone }: ParsedProdHours) => {
  const format = createFormat(timeZone);
  return (at: number): boolean => {
    const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
    const day = parts.get("weekday")?.toLowerCase();
    const minutes = Number(parts.get("hour")) * 60 + Number(parts.get("minute"));
    return ranges.some(
      ({ days, from, to }) => days.some((each) => each === day) && from <= minutes && minutes < to,
    );
  };
};

/**
 * The first moment from `from` on at which all hours are open: `from` itself while they are. Undefined: they are never open
 * together within two weeks. Epoch milliseconds.
 * @param hours texts that `ProdHours` accepts; none: always open
 */
export const findOpening = (hours: readonly string[], from: number): number | undefined => {
  const tests = hours.map((text) => createTest(parseProdHours(text)));
  const isOpen = (at: number) => tests.every((test) => test(at));
  if (isOpen(from)) return from;
  const first = (Math.floor(from / gridMs) + 1) * gridMs;
  for (let step = 0; step <= horizonSteps; step++)
    if (isOpen(first + step * gridMs)) return first + step * gridMs;
  return undefined;
};
