/** Where a model's records lie in one environment. */
export type RecordScope = { readonly environment: "stage" | "prod"; readonly model: string };

const hourMs = 3_600_000;

/** Milliseconds as text that sorts like the number, until the year 33658. */
const toSortable = (at: number): string => String(at).padStart(15, "0");

/**
 * The store's keys of records, all of one model in one environment:
 * - `index`: one small item a request, in the order of time, which pages walk;
 * - `request(id)`: what was answered, under the request's own id, so that one record costs one read;
 * - `counts`: counters of each hour, for totals and for hours that hold nothing of a label.
 */
export const recordPartitions = ({ environment, model }: RecordScope) => ({
  index: `predictions#${environment}#${model}`,
  counts: `prediction-counts#${environment}#${model}`,
  request: (id: string) => `prediction#${environment}#${model}#${id}`,
});

/** Place of a request in the index. Two of the same millisecond are told apart by their ids. */
export const indexSortKey = (at: number, id: string): string => `${toSortable(at)}#${id}`;
/** Place of an answer under its request's id: an id that a caller uses twice hides nothing. */
export const requestSortKey = (at: number): string => toSortable(at);

/** The time and the request's id in a place of the index. */
export const parseIndexSortKey = (sort: string): { readonly at: number; readonly id: string } => ({
  at: Number(sort.slice(0, 15)),
  id: sort.slice(16),
});

/** The hour of a time in UTC, such as `2026-11-21T16`. */
export const formatHour = (at: number): string => new Date(at).toISOString().slice(0, 13);
/** Epoch milliseconds at which the hour of this time begins. */
export const startOfHour = (at: number): number => Math.floor(at / hourMs) * hourMs;
/** A place behind everything that the index holds of the hour, for who walks from new to old. */
export const hourEndSortKey = (hour: string): string => toSortable(Date.parse(`${hour}:00:00Z`) + hourMs);

/** The least of these that is no less than `ttlDays`, for a bucket whose rules expire objects by their prefix. */
const retentionStepsDays = [1, 7, 30, 90, 365, 3_650] as const;

const rowsPrefix = ({ environment, model }: RecordScope, days: number): string =>
  `records/keep-${days}-days/${environment}/${model}/`;

/** What the rows of this model's large requests lie under. */
export const listRowsPrefixes = (served: RecordScope): readonly string[] =>
  retentionStepsDays.map((days) => rowsPrefix(served, days));

/** Where the rows of a large request lie, under a prefix that a bucket can expire by. */
export const rowsBlobKey = (
  served: RecordScope,
  request: { readonly at: number; readonly id: string; readonly ttlDays: number },
): string => {
  const days =
    retentionStepsDays.find((days) => days >= request.ttlDays) ??
    retentionStepsDays[retentionStepsDays.length - 1] ??
    0;
  return `${rowsPrefix(served, days)}${request.at}-${request.id}.jsonl.zst`;
};
