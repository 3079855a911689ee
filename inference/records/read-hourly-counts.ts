import type { Store } from "#platform/store/store.ts";
import { formatHour } from "./record-keys.ts";

export type HourCounts = { readonly rows: number; readonly labels: ReadonlyMap<string, number> };

type Dependencies = {
  readonly store: Pick<Store, "page">;
  /** The partition of the counters. */
  readonly partition: string;
  /** Epoch milliseconds. */
  readonly clock: () => number;
};

const hourMs = 3_600_000;
const labelPrefix = "label:";

const parseCounts = (value: unknown): HourCounts => {
  const counters = Object.entries(typeof value === "object" && value !== null ? value : {});
  return {
    rows: counters.find(([name]) => name === "rows")?.[1] ?? 0,
    labels: new Map(
      counters.flatMap(([name, rows]) =>
        name.startsWith(labelPrefix) ? [[name.slice(labelPrefix.length), Number(rows)]] : [],
      ),
    ),
  };
};

/**
 * Reads the counters of each hour with records, newest first. Past hours do not change, so they are read once an hour; the
 * others on each call. 30 days are 720 items, one DynamoDB call.
 */
export const readHourlyCounts = ({ store, partition, clock }: Dependencies) => {
  let cached: ReadonlyMap<string, HourCounts> = new Map();
  let readAt = Number.NEGATIVE_INFINITY;

  /** Reads the hours from now back to `oldest`. */
  const readBackTo = async (oldest: string): Promise<ReadonlyMap<string, HourCounts>> => {
    const hours = new Map<string, HourCounts>();
    let after: string | undefined;
    do {
      const page = await store.page({
        partition,
        order: "descending",
        limit: oldest === "" ? 1_000 : 10,
        ...(after === undefined ? {} : { after }),
      });
      for (const { key, value } of page.items)
        if (key.sort >= oldest) hours.set(key.sort, parseCounts(value));
      after = (page.items.at(-1)?.key.sort ?? "") < oldest ? undefined : page.cursor;
    } while (after !== undefined);
    return hours;
  };

  return async (): Promise<ReadonlyMap<string, HourCounts>> => {
    const now = clock();
    if (now - readAt >= hourMs || now < readAt) {
      cached = await readBackTo("");
      readAt = now;
      return cached;
    }
    // Writers' clocks differ and writes can be late, so the hour before the last full read is read again.
    const recent = await readBackTo(formatHour(readAt - hourMs));
    return new Map([...recent, ...[...cached].filter(([hour]) => !recent.has(hour))]);
  };
};
