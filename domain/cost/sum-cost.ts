import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { type PriceName, prices } from "./prices.ts";

/** An amount of one priced thing in one month, with what it was derived from. */
export type CostLine = {
  /** What a person calls it: `KMS keys`. */
  readonly part: string;
  readonly price: PriceName;
  /** The amount by account (`tooling`, `stage`, `prod`), because AWS's free amounts are for each account. */
  readonly amounts: Readonly<Record<string, number>>;
  /** How the amount was found: `5 keys`. */
  readonly basis: string;
};

export type Cost = {
  /** US dollars by the list, without any free amount. */
  readonly list: number;
  /** US dollars after the free amounts that never end, if nothing else in the accounts uses them. */
  readonly charged: number;
};

const readPrice = (name: PriceName): { readonly usd: number; readonly freePerAccount?: number } =>
  prices[name];

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** The cost of some lines of one month. Lines of the same price share the free amount of their account. */
export const sumCost = (lines: readonly CostLine[]): Cost => {
  const byPrice = Map.groupBy(lines, ({ price }) => price);
  const costs = [...byPrice].map(([name, group]) => {
    const { usd, freePerAccount = 0 } = readPrice(name);
    const accounts = new Set(group.flatMap(({ amounts }) => Object.keys(amounts)));
    const totals = [...accounts].map((account) =>
      sum(group.map(({ amounts }) => getOwnProperty(amounts, account) ?? 0)),
    );
    return {
      list: usd * sum(totals),
      charged: usd * sum(totals.map((total) => Math.max(0, total - freePerAccount))),
    };
  });
  return { list: sum(costs.map(({ list }) => list)), charged: sum(costs.map(({ charged }) => charged)) };
};
