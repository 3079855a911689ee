import type { Comparison } from "#domain/gates/comparison.ts";
import { roundToDigits } from "#domain/gates/number-format.ts";
import type { MessageState } from "./message-state.ts";

const marks = { pass: "✓", fail: "✗", inconclusive: "?" } as const;
const none = "–";

const formatNumber = (value: number | null): string =>
  value === null ? none : String(roundToDigits(value)).replace("-", "−");

/** The unit stands with the name, so that the columns of numbers stay narrow. */
const formatName = ({ name, unit, verdict }: Comparison): string =>
  `${verdict === null ? "" : `${marks[verdict]} `}${name}${unit === "" ? "" : ` (${unit})`}`;

const formatSigned = (value: number): string => {
  const rounded = roundToDigits(value, 3);
  return rounded > 0 ? `+${rounded}` : String(rounded).replace("-", "−");
};

/** New minus old, with its 95 % interval. */
const formatDifference = ({ champion, challenger, interval }: Comparison): string => {
  if (champion === null || challenger === null) return none;
  const range = interval ? ` (${formatSigned(interval.low)} to ${formatSigned(interval.high)})` : "";
  return `${formatSigned(challenger - champion)}${range}`;
};

/** Both versions side by side: the names of the columns, then a row for each measurement; `–` where there is nothing. */
export const formatComparisons = ({
  comparisons,
  version,
  baselineVersion,
}: Pick<MessageState, "comparisons" | "version" | "baselineVersion">): {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
} => ({
  header: [
    "metric",
    baselineVersion === null ? "prod" : `prod v${baselineVersion}`,
    version === null ? "new" : `new v${version}`,
    "difference",
    "limit",
  ],
  rows: comparisons.map((row) => [
    formatName(row),
    formatNumber(row.champion),
    formatNumber(row.challenger),
    formatDifference(row),
    row.limit || none,
  ]),
});
