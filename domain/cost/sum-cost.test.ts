import { expect, test } from "vitest";
import { type PriceName, prices } from "./prices.ts";
import { type CostLine, sumCost } from "./sum-cost.ts";

const line = (price: PriceName, amounts: Readonly<Record<string, number>>): CostLine => ({
  part: "a part",
  price,
  amounts,
  basis: "a basis",
});

test("each account has its own free amount", () => {
  const cost = sumCost([line("alarmMetricMonth", { tooling: 12, stage: 9, prod: 10 })]);
  expect(cost.list).toBeCloseTo(3.1, 9);
  expect(cost.charged).toBeCloseTo(0.2, 9);
});

test("lines with the same price share the free amount of their account", () => {
  const cost = sumCost([
    line("alarmMetricMonth", { tooling: 8 }),
    line("alarmMetricMonth", { tooling: 7, stage: 1 }),
  ]);
  expect(cost.list).toBeCloseTo(1.6, 9);
  expect(cost.charged).toBeCloseTo(0.5, 9);
});

test("what has no free amount is charged in full", () => {
  const cost = sumCost([line("keyMonth", { tooling: 3, stage: 1, prod: 1 })]);
  expect(cost).toEqual({ list: 5, charged: 5 });
});

test("every price has AWS's page and is above zero", () => {
  for (const [name, { usd, page }] of Object.entries(prices))
    expect([name, usd > 0, page.startsWith("https://aws.amazon.com/")]).toEqual([name, true, true]);
});
