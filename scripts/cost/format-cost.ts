import { hoursPerMonth, prices, pricesAsOf } from "#domain/cost/prices.ts";
import { type CostLine, sumCost } from "#domain/cost/sum-cost.ts";
import { describeAssumptions } from "./assumptions.ts";

export type CostCase = {
  readonly name: string;
  readonly lines: readonly CostLine[];
  /** What the platform wants it to cost at most, in US dollars, by the list price. */
  readonly aim?: number;
};

const formatUsd = (usd: number): string => (usd >= 0.005 || usd === 0 ? usd.toFixed(2) : "< 0.01");

const toRow = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
const toTable = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [toRow(head), toRow(head.map(() => "---")), ...rows.map(toRow)].join("\n");

const describeAim = (list: number, charged: number, aim: number | undefined): string => {
  if (aim === undefined) return "";
  if (list <= aim) return `≤ ${aim}: met`;
  return charged <= aim ? `≤ ${aim}: met after what is free` : `≤ ${aim}: missed`;
};

const formatSummary = (cases: readonly CostCase[]): string =>
  toTable(
    ["", "USD by the list", "after what is always free", "aim"],
    cases.map(({ name, lines, aim }) => {
      const { list, charged } = sumCost(lines);
      return [name, `**${formatUsd(list)}**`, formatUsd(charged), describeAim(list, charged, aim)];
    }),
  );

/** The parts of several cases side by side; an empty cell is a part that a case does not have. */
const formatParts = (cases: readonly CostCase[]): string => {
  const rows = new Map<string, { readonly part: string; readonly price: CostLine["price"] }>();
  for (const { lines } of cases)
    for (const { part, price } of lines) rows.set(`${part} ${price}`, { part, price });
  return toTable(
    ["part", "price", "how much", ...cases.map(({ name }) => name)],
    [...rows.values()].map(({ part, price }) => {
      const found = cases.map(({ lines }) =>
        lines.filter((line) => line.part === part && line.price === price),
      );
      const bases = [...new Set(found.flat().map(({ basis }) => basis))];
      return [
        part,
        `\`${price}\``,
        bases.join("; or "),
        ...found.map((lines) => (lines.length === 0 ? "" : formatUsd(sumCost(lines).list))),
      ];
    }),
  );
};

const formatPrices = (): string =>
  toTable(
    ["price", "USD", "for a", "free in each account and month", "seen"],
    Object.entries(prices).map(([name, price]) => [
      `[\`${name}\`](${price.page})`,
      String(Number(price.usd.toPrecision(9))),
      price.unit,
      "freePerAccount" in price ? price.freePerAccount.toLocaleString("en-US") : "",
      "seen" in price ? `[${price.seen.date}](${price.seen.at})` : "–",
    ]),
  );

/** A version with the memory of churn, and all that its rollback window keeps. */
const describeSnapshots = (): string => {
  const month = (1_769 / 1_024) * hoursPerMonth * 3_600 * prices.snapshotGbSecond.usd;
  return `A model with \`resources.snapStart: true\` and 1,769 MB costs ${formatUsd(month)} a month for each version that is kept, and up to ${formatUsd(6 * month)} in its rollback window, with three versions on stage and three on prod. A start from a snapshot costs ${prices.snapshotRestoreGb.usd} per GB.`;
};

/** The generated part of docs/cost.md. */
export const formatCost = (cases: {
  readonly idle: readonly CostCase[];
  readonly delivery: CostCase;
  readonly predictions: readonly CostCase[];
}): string => {
  const { idle, delivery, predictions } = cases;
  return [
    `US dollars in ${pricesAsOf.region}, prices gone through on ${pricesAsOf.date}.`,
    formatSummary([...idle, delivery, ...predictions]),
    "### An idle month",
    formatParts(idle),
    "### A delivery",
    formatParts([delivery]),
    "### A million predictions",
    formatParts(predictions),
    "### Snapshots of models",
    describeSnapshots(),
    "### What is assumed",
    `Everything else is counted from the stacks and the code.\n\n${describeAssumptions()
      .map((sentence) => `- ${sentence}`)
      .join("\n")}`,
    "### Prices",
    "From `domain/cost/prices.ts`. A dash: known, but without a source at hand.",
    formatPrices(),
  ].join("\n\n");
};
