import type { CounterAddition } from "#platform/store/store.ts";
import { formatHour, recordPartitions, startOfHour, toHourExpiry } from "./record-keys.ts";
import type { PredictedRequest } from "./records.ts";

/** What a request adds to the counters of its hour, and its labels as JSON. */
export type RequestCounts = {
  readonly addition: CounterAddition;
  /** The number of rows per label as JSON; undefined without labels. */
  readonly labels: string | undefined;
};

type Hour = {
  readonly model: string;
  readonly environment: string;
  readonly start: number;
  readonly key: CounterAddition["key"];
  /** The counts of requests of one row, by its label. */
  readonly single: Map<string | undefined, RequestCounts>;
};

const formatCounts = (labels: ReadonlyMap<string, number>): string =>
  JSON.stringify(Object.fromEntries(labels));

/** Counts the rows of requests. What the requests of an hour have in common is kept: making it takes longer than a small record. */
export const createRequestCounter = (ttlDays: number) => {
  let last: Hour | undefined;
  const findHour = ({ model, environment, at }: PredictedRequest): Hour => {
    const start = startOfHour(at);
    if (last?.start !== start || last.model !== model || last.environment !== environment) {
      const key = { partition: recordPartitions({ model, environment }).counts, sort: formatHour(at) };
      last = { model, environment, start, key, single: new Map() };
    }
    return last;
  };
  const count = (hour: Hour, rows: number, labels: ReadonlyMap<string, number>): RequestCounts => {
    const amounts = Object.fromEntries([
      ["rows", rows],
      ...[...labels].map(([label, rows]) => [`label:${label}`, rows] as const),
    ]);
    return {
      addition: { key: hour.key, amounts, expiresAt: toHourExpiry(hour.start, ttlDays) },
      labels: labels.size > 0 ? formatCounts(labels) : undefined,
    };
  };
  return {
    count: (request: PredictedRequest, rows: number, labels: ReadonlyMap<string, number>): RequestCounts =>
      count(findHour(request), rows, labels),
    /** The same for a request of one row. @param label one of the model's labels; undefined: it has none */
    countSingle: (request: PredictedRequest, label: string | undefined): RequestCounts => {
      const hour = findHour(request);
      let counts = hour.single.get(label);
      if (!counts) {
        counts = count(hour, 1, label === undefined ? new Map() : new Map([[label, 1]]));
        hour.single.set(label, counts);
      }
      return counts;
    },
  };
};
