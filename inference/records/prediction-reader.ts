import { setImmediate } from "node:timers/promises";
import * as z from "zod";
import { listPredictionLabels } from "#model-folder/manifest/list-prediction-labels.ts";
import type { Prediction } from "#model-folder/manifest/manifest.ts";
import type { SmallBlobs } from "#platform/blobs/blobs.ts";
import { encodeCursor, type Store } from "#platform/store/store.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { type ListPosition, readCursor, writeCursor } from "./list-cursor.ts";
import { type HourCounts, readHourlyCounts } from "./read-hourly-counts.ts";
import {
  formatHour,
  hourEndSortKey,
  indexSortKey,
  parseIndexSortKey,
  type RecordScope,
  recordPartitions,
  requestSortKey,
} from "./record-keys.ts";
import type { ListQuery, PredictionPage, PredictionReader, PredictionRecord } from "./records.ts";
import { IndexEntry, PackedRequest, RecordForm, StoredRequest, type StoredRow } from "./stored-request.ts";
import { isColumnsBlob, unpackColumns, unpackColumnsBlob } from "./unpack-columns.ts";
import { type ReadRow, unpackRows } from "./unpack-rows.ts";
import { readUuidV7Time } from "./uuid-v7.ts";

type Dependencies = RecordScope & {
  readonly store: Pick<Store, "get" | "page">;
  readonly blobs: Pick<SmallBlobs, "get">;
  /** Epoch milliseconds. */
  readonly clock: () => number;
};

/** A request whose rows a page may show, from row `firstRow` on. */
type Entry = {
  readonly sort: string;
  readonly firstRow: number;
  readonly rows: number;
  /** The request, if the index holds it. */
  readonly request?: unknown;
};
const AnyRequest = z.union([StoredRequest, PackedRequest]);
/** What a record says of its request, whatever its form. */
type Origin = Pick<StoredRequest, "at" | "version" | "digest" | "latencyMs">;
type LocatedRecord = { readonly record: PredictionRecord; readonly position: ListPosition };

/** The most requests of the index that one page with a label scans. */
const maxScanned = 2_000;
const scanPageSize = 250;
/** Rows to parse, at about 20 µs each, before the event loop gets a turn. */
const rowsPerTurn = 100;
const maxKeptForms = 100;
/** Requests that are read at the same time: each can have 6 MB of rows. */
const maxParallelEntries = 8;
const hourMs = 3_600_000;

const recordId = /^([A-Za-z0-9_-]{1,64})\.(0|[1-9]\d{0,5})$/;
const newestPosition: ListPosition = { sort: "9".repeat(15), row: null };

const hasLabel = (prediction: Prediction, wanted: string): boolean =>
  listPredictionLabels(prediction).includes(wanted);

/** Reads records from the request's item or from its blob. */
const createRowReader = ({ store, blobs, environment, model }: Dependencies) => {
  const partitions = recordPartitions({ environment, model });

  const toRecord = (id: string, request: Origin, row: StoredRow): PredictionRecord => ({
    id,
    model,
    version: request.version,
    digest: request.digest,
    environment,
    prediction: row.prediction,
    ...(row.inputs ? { inputs: row.inputs } : {}),
    ...(row.hash === undefined ? {} : { inputsHash: row.hash }),
    latencyMs: request.latencyMs,
    createdAt: new Date(request.at).toISOString(),
  });

  const openRows = async ({ rows }: StoredRequest): Promise<ReadRow> => {
    if (Array.isArray(rows)) return (index) => rows[index];
    const bytes = await blobs.get(rows.blob);
    // The bucket's lifecycle rule may delete the blob shortly before the item expires.
    if (!bytes) return () => undefined;
    return isColumnsBlob(bytes) ? unpackColumnsBlob(bytes) : unpackRows(bytes);
  };

  /** Forms never change, and a model has few of them. */
  const forms = new Map<string, Promise<RecordForm>>();
  const readForm = (sort: string): Promise<RecordForm> => {
    const known = forms.get(sort);
    if (known) return known;
    const form = store
      .get({ partition: partitions.forms, sort })
      .then((item) => RecordForm.parse(item?.value));
    if (forms.size >= maxKeptForms) forms.clear();
    forms.set(sort, form);
    form.catch(() => forms.delete(sort));
    return form;
  };

  const openRequest = async (value: unknown): Promise<Origin & { readonly readRow: ReadRow }> => {
    const request = AnyRequest.parse(value);
    if ("rows" in request) return { ...request, readRow: await openRows(request) };
    const { at, latencyMs, count, form, numbers } = request;
    const { version, digest, ...names } = await readForm(form);
    const readRow = unpackColumns(names, count, Buffer.from(numbers, "base64"));
    return { at, latencyMs, version, digest, readRow };
  };

  /** Reads a request that only the index holds: its id has the time of its arrival. */
  const readIndexed = async (id: string): Promise<unknown> => {
    const at = readUuidV7Time(id);
    if (at === undefined) return undefined;
    const item = await store.get({ partition: partitions.index, sort: indexSortKey(at, id) });
    return item && IndexEntry.parse(item.value).request;
  };

  return {
    readOne: async (id: string, index: number): Promise<PredictionRecord | undefined> => {
      const query = { partition: partitions.request(id), order: "descending", limit: 1 } as const;
      const [item] = (await store.page(query)).items;
      const value = item?.value ?? (await readIndexed(id));
      if (value === undefined) return undefined;
      const request = await openRequest(value);
      const row = request.readRow(index);
      return row && toRecord(`${id}.${index}`, request, row);
    },

    /** Reads at most `limit` rows of a request, only those with the label if there is one. */
    readMany: async (
      entry: Entry,
      limit: number,
      label: string | undefined,
    ): Promise<readonly LocatedRecord[]> => {
      const { at, id } = parseIndexSortKey(entry.sort);
      const value =
        entry.request ??
        (await store.get({ partition: partitions.request(id), sort: requestSortKey(at) }))?.value;
      if (value === undefined) return [];
      const request = await openRequest(value);
      const records: LocatedRecord[] = [];
      for (let index = entry.firstRow; index < entry.rows && records.length < limit; index += 1) {
        if ((index - entry.firstRow) % rowsPerTurn === rowsPerTurn - 1) await setImmediate();
        const row = request.readRow(index, label);
        if (row && (label === undefined || hasLabel(row.prediction, label)))
          records.push({
            record: toRecord(`${id}.${index}`, request, row),
            position: { sort: entry.sort, row: index },
          });
      }
      return records;
    },
  };
};

/**
 * Returns where to continue the scan for a label: the same position, or the end of the next older hour with that label;
 * undefined if there is none. The last two hours are always scanned, because their counters may not be written yet.
 */
const findNextPosition = (
  position: ListPosition,
  hours: ReadonlyMap<string, HourCounts>,
  label: string,
  now: number,
): ListPosition | undefined => {
  const { at } = parseIndexSortKey(position.sort);
  if (position.row !== null || at >= now - 2 * hourMs) return position;
  const hour = formatHour(at);
  const labelled = [...hours].filter(([name, { labels }]) => name <= hour && (labels.get(label) ?? 0) > 0);
  const next = labelled.map(([name]) => name).reduce((a, b) => (a > b ? a : b), "");
  if (next === "") return undefined;
  return next === hour ? position : { sort: hourEndSortKey(next), row: null };
};

/** Scans the index from new to old. */
const createIndexWalker = ({ store, environment, model }: Dependencies) => {
  const { index } = recordPartitions({ environment, model });

  const entryAt = async ({ sort, row }: ListPosition): Promise<readonly (Entry & IndexEntry)[]> => {
    if (row === null) return [];
    const item = await store.get({ partition: index, sort });
    return item ? [{ ...IndexEntry.parse(item.value), sort, firstRow: row }] : [];
  };

  /** Returns requests with `limit` rows in total; `next` is undefined at the end of the index. */
  return async (position: ListPosition, limit: number, label: string | undefined) => {
    const [first, page] = await Promise.all([
      entryAt(position),
      store.page({
        partition: index,
        order: "descending",
        limit: label === undefined ? limit : scanPageSize,
        after: encodeCursor(position.sort),
      }),
    ]);
    const rest = page.items.map(({ key, value }) => ({
      ...IndexEntry.parse(value),
      sort: key.sort,
      firstRow: 0,
    }));
    const entries: Entry[] = [];
    let rows = 0;
    let scanned = 0;
    for (const entry of [...first, ...rest]) {
      if (rows >= limit) return { entries, scanned, next: { sort: entries.at(-1)?.sort ?? "", row: null } };
      scanned += 1;
      const matching =
        label === undefined
          ? entry.rows - entry.firstRow
          : ((entry.labels && getOwnProperty(entry.labels, label)) ?? 0);
      if (matching === 0) continue;
      entries.push(entry);
      // After the first page of a request, the number of its remaining rows with the label is unknown.
      if (label === undefined || entry.firstRow === 0) rows += matching;
    }
    const last = page.items.at(-1)?.key.sort;
    const next = page.cursor === undefined || last === undefined ? undefined : { sort: last, row: null };
    return { entries, scanned, next };
  };
};

/**
 * Reads the records of one model in one environment. A record by id costs one read of the store, and one blob for a large
 * request. A page costs one query of the index, one read per request on the page (eight in parallel), and the counters of
 * the last two hours; the counters of all hours are read once an hour.
 *
 * With a label, the counters skip hours without it, the index skips requests without it, and a page scans at most 2,000
 * requests: it may then have fewer rows than its limit and still a cursor.
 * `total` counts whole hours, so it can include records of the last hour that have just expired.
 */
export const createPredictionReader = (dependencies: Dependencies): PredictionReader => {
  const { store, clock } = dependencies;
  const readCounts = readHourlyCounts({ store, clock, partition: recordPartitions(dependencies).counts });
  const rows = createRowReader(dependencies);
  const walkIndex = createIndexWalker(dependencies);

  const list = async ({ limit, cursor, label }: ListQuery): Promise<PredictionPage> => {
    if (!Number.isInteger(limit) || limit < 1 || limit > 100)
      throw new RangeError(`a page must have 1 to 100 records, not ${limit}`);
    const start = cursor === undefined ? newestPosition : readCursor(cursor);
    const counts = readCounts();
    const records: LocatedRecord[] = [];
    let scanned = 0;
    let position: ListPosition | undefined = start;
    // One additional record shows whether there is a next page, and where it starts.
    while (records.length <= limit && scanned < maxScanned) {
      if (label !== undefined) position = findNextPosition(position, await counts, label, clock());
      if (position === undefined) break;
      const missing = limit + 1 - records.length;
      const scan = await walkIndex(position, missing, label);
      for (
        let start = 0;
        start < scan.entries.length && records.length <= limit;
        start += maxParallelEntries
      ) {
        const entries = scan.entries.slice(start, start + maxParallelEntries);
        const results = await Promise.all(entries.map((entry) => rows.readMany(entry, missing, label)));
        records.push(...results.flat());
      }
      scanned += scan.scanned;
      position = scan.next;
      if (position === undefined) break;
    }
    const next = records[limit]?.position ?? position;
    return {
      items: records.slice(0, limit).map(({ record }) => record),
      ...(next ? { cursor: writeCursor(next) } : {}),
      total: [...(await counts).values()].reduce(
        (sum, hour) => sum + (label === undefined ? hour.rows : (hour.labels.get(label) ?? 0)),
        0,
      ),
    };
  };

  return {
    prediction: async (id) => {
      const [, request, row] = id.match(recordId) ?? [];
      return request === undefined || row === undefined ? undefined : rows.readOne(request, Number(row));
    },
    list,
  };
};
