import type { Database } from "#platform/store/open-database.ts";

/** The sum of a delivery metric that the embedded world has written, for exactly these dimensions in any order. */
export const readMetricTotal = (
  database: Database,
  name: string,
  dimensions: Readonly<Record<string, string>>,
): number => {
  const sort = (entries: readonly (readonly [string, string])[]) =>
    JSON.stringify(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const row = database
    .prepare("SELECT dimensions, total FROM totals WHERE name = ?")
    .all(name)
    .find((row) => sort(JSON.parse(String(row.dimensions))) === sort(Object.entries(dimensions)));
  return Number(row?.total ?? 0);
};
