import { expect, test } from "vitest";
import { sampleRows } from "./sample-rows.ts";

const count = 6_000;
const table = (label: (row: number) => string, order = Array.from({ length: count }, (_, row) => row)) => ({
  columns: new Map([
    ["x", order.map((row) => String((row * 7) % 1_009))],
    ["y", order.map((row) => String(row))],
    ["label", order.map(label)],
  ]),
  rows: order.map((_, at) => at),
  strata: order.map(label),
});
const options = { seed: "test", most: 1_000 };
const countLabels = (labels: readonly string[]) =>
  Object.fromEntries(
    [...Map.groupBy(labels, (label) => label)].map(([label, { length }]) => [label, length]),
  );

test("all rows of a rare label stay in the sample, and it is said how many they are", () => {
  const source = table((row) => (row % 500 === 3 ? "fraud" : "fine"));
  const { chosen, raisedLabels } = sampleRows(source, options);
  expect(chosen).toHaveLength(1_000);
  expect(countLabels(chosen.map((row) => source.strata[row] ?? ""))).toEqual({ fraud: 12, fine: 988 });
  expect(raisedLabels).toEqual([{ label: "fraud", rows: 12, sampled: 12 }]);
});

test("labels that are frequent enough keep the table's shares", () => {
  const source = table((row) => (row % 10 < 3 ? "churn" : "stay"));
  const { chosen, raisedLabels } = sampleRows(source, options);
  expect(countLabels(chosen.map((row) => source.strata[row] ?? ""))).toEqual({ churn: 300, stay: 700 });
  expect(raisedLabels).toEqual([]);
});

test("a label of 45 in 6,000 rows keeps 30, and a hundred labels keep at least 5 each", () => {
  const rare = table((row) => (row < 45 ? "rare" : "usual"));
  expect(countLabels(sampleRows(rare, options).chosen.map((row) => rare.strata[row] ?? ""))).toEqual({
    rare: 30,
    usual: 970,
  });
  const many = table((row) => (row < 3_000 ? "large" : String(row % 99)));
  const kept = countLabels(sampleRows(many, options).chosen.map((row) => many.strata[row] ?? ""));
  expect(Math.min(...Object.values(kept))).toBeGreaterThanOrEqual(5);
  expect(Object.values(kept).reduce((sum, each) => sum + each, 0)).toBe(1_000);
});

test("the same rows are chosen when the table has another order", () => {
  const label = (row: number) => (row % 3 === 0 ? "a" : "b");
  const straight = table(label);
  const turned = table(
    label,
    Array.from({ length: count }, (_, row) => count - 1 - row),
  );
  const contents = (source: ReturnType<typeof table>) =>
    sampleRows(source, options)
      .chosen.map((row) => source.columns.get("y")?.[row] ?? "")
      .toSorted();
  expect(contents(turned)).toEqual(contents(straight));
});

test("equal rows are not taken or left as one group", () => {
  const columns = new Map([["x", Array.from({ length: count }, (_, row) => String(row % 50))]]);
  const { chosen } = sampleRows({ columns, rows: Array.from({ length: count }, (_, row) => row) }, options);
  expect(new Set(chosen.map((row) => columns.get("x")?.[row])).size).toBe(50);
});

test("a table that is small enough is taken whole", () => {
  const source = table(() => "a");
  expect(sampleRows({ ...source, rows: source.rows.slice(0, 1_000) }, options).chosen).toEqual(
    source.rows.slice(0, 1_000),
  );
});
