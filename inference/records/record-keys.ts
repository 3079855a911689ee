/** Identifies the records of one model in one environment. */
export type RecordScope = { readonly environment: "stage" | "prod"; readonly model: string };

const hourMs = 3_600_000;

/** Epoch seconds at which a record of the time `at` expires. */
export const toExpiry = (at: number, ttlDays: number): number => Math.ceil(at / 1_000) + ttlDays * 86_400;

/** Epoch seconds at which the last record of an hour expires; `start` is the hour's. */
export const toHourExpiry = (start: number, ttlDays: number): number => toExpiry(start + hourMs, ttlDays);

/** Formats milliseconds as text that sorts like the number, until the year 33658. */
const toSortable = (at: number): string => String(at).padStart(15, "0");

/**
 * The partitions of the records of one model in one environment:
 * - `index`: one small item per request, in order of time, for pages;
 * - `request(id)`: the predictions of a request, so that one record costs one read;
 * - `counts`: counters per hour, for totals and to skip hours without a label;
 * - `forms`: what packed requests have in common (RecordForm), by its hash.
 */
export const recordPartitions = ({ environment, model }: RecordScope) => ({
  index: `predictions#${environment}#${model}`,
  counts: `prediction-counts#${environment}#${model}`,
  forms: `prediction-forms#${environment}#${model}`,
  request: (id: string) => `prediction#${environment}#${model}#${id}`,
});

/** The sort key of a request in the index. The id separates requests of the same millisecond. */
export const indexSortKey = (at: number, id: string): string => `${toSortable(at)}#${id}`;
/** The sort key of a request's item: two requests with the same id do not overwrite each other. */
export const requestSortKey = (at: number): string => toSortable(at);

/** Returns the time and the request's id of a sort key of the index. */
export const parseIndexSortKey = (sort: string): { readonly at: number; readonly id: string } => ({
  at: Number(sort.slice(0, 15)),
  id: sort.slice(16),
});

/** The hour of a time in UTC, for example `2026-11-21T16`. */
export const formatHour = (at: number): string => new Date(at).toISOString().slice(0, 13);
/** The start of this time's hour, in epoch milliseconds. */
export const startOfHour = (at: number): number => Math.floor(at / hourMs) * hourMs;
/** A sort key after all requests of the hour, to scan from new to old. */
export const hourEndSortKey = (hour: string): string => toSortable(Date.parse(`${hour}:00:00Z`) + hourMs);

/** `ttlDays` is rounded up to one of these, because a bucket's lifecycle rules expire objects by prefix. */
const retentionStepsDays = [1, 7, 30, 90, 365, 3_650] as const;

const rowsPrefix = ({ environment, model }: RecordScope, days: number): string =>
  `records/keep-${days}-days/${environment}/${model}/`;

/** Lists the prefixes of the blobs with this model's rows. */
export const listRowsPrefixes = (scope: RecordScope): readonly string[] =>
  retentionStepsDays.map((days) => rowsPrefix(scope, days));

/**
 * The key of the blob with a large request's rows, lines of JSON under Zstandard or columns; a lifecycle rule expires it by
 * its prefix.
 */
export const rowsBlobKey = (
  scope: RecordScope,
  request: { readonly at: number; readonly id: string; readonly ttlDays: number },
  form: "jsonl.zst" | "columns" = "jsonl.zst",
): string => {
  const days =
    retentionStepsDays.find((days) => days >= request.ttlDays) ??
    retentionStepsDays[retentionStepsDays.length - 1] ??
    0;
  return `${rowsPrefix(scope, days)}${request.at}-${request.id}.${form}`;
};
