import { expect, test } from "vitest";
import { selectUsableRows } from "./select-usable-rows.ts";

const groups = Array.from({ length: 400 }, (_, row) => `q${Math.floor(row / 4)}`);
const table = {
  columns: new Map([
    ["query", groups],
    ["y", groups.map((_, row) => String(row))],
  ]),
  rows: 400,
  notes: [],
};

test("a sample keeps whole groups, in the table's order, and is the same each time", () => {
  const select = () => selectUsableRows(table, [], ["y", "query"], { seed: "s", most: 50, group: "query" });
  const { truth } = select();
  const chosen = truth.get("query") ?? [];
  expect(chosen).toHaveLength(48);
  for (const rows of Map.groupBy(chosen, (group) => group).values()) expect(rows).toHaveLength(4);
  const order = (truth.get("y") ?? []).map(Number);
  expect(order).toEqual(order.toSorted((a, b) => a - b));
  expect(select().truth).toEqual(truth);
});
