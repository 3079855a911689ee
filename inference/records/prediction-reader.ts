import { setImmediate } from "node:timers/promises";
import type { Blobs } from "#platform/blobs/blobs.ts";
import { encodeCursor, type Store } from "#platform/store/store.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { type ListPosition, readCursor, writeCursor } from "./list-cursor.ts";
import { type HourCounts, readHourlyCounts } from "./read-hourly-counts.ts";
import {
  formatHour,
  hourEndSortKey,
  parseIndexSortKey,
  type RecordScope,
  recordPartitions,
  requestSortKey,
} from "./record-keys.ts";
import type { ListQuery, PredictionPage, PredictionReader, PredictionRecord } from "./records.ts";
import { IndexEntry, StoredRequest, type StoredRow } from "./stored-request.ts";
import { type ReadRow, unpackRows } from "./unpack-rows.ts";

type Needs = RecordScope & {
  readonly store: Pick<Store, "get" | "page">;
  readonly blobs: Pick<Blobs, "get">;
  /** Epoch milliseconds. */
  readonly clock: () => number;
};

/** A request that a page may show rows of, from this row on. */
type Entry = { readonly sort: string; readonly from: number; readonly rows: number };
type FoundRecord = { readonly record: PredictionRecord; readonly at: ListPosition };

/** Requests of the index that one page with a label looks through at most. */
const maxScanned = 2_000;
const scanPageSize = 250;
/** Rows of a large request between which the event loop has a turn: to parse one takes some 20 µs. */
const rowsPerTurn = 100;
/** Requests that are read at the same time: each may have rows of 6 MB. */
const maxParallelEntries = 8;
const hourMs = 3_600_000;

const recordId = /^([A-Za-z0-9_-]{1,64})\.(0|[1-9]\d{0,5})$/;
const newestPosition: ListPosition = { sort: "9".repeat(15), row: null };

/** Reads single records: out of the request's item, or out of its blob. */
const createRowReader = ({ store, blobs, environment, model }: Needs) => {
  const places = recordPartitions({ environment, model });

  const recordOf = (id: string, kept: StoredRequest, row: StoredRow): PredictionRecord => ({
    id,
    model,
    version: kept.version,
    digest: kept.digest,
    environment,
    prediction: row.prediction,
    ...(row.inputs ? { inputs: row.inputs } : {}),
    ...(row.hash === undefined ? {} : { inputsHash: row.hash }),
    latencyMs: kept.latencyMs,
    createdAt: new Date(kept.at).toISOString(),
  });

  const rowsOf = async ({ rows }: StoredRequest): Promise<ReadRow> => {
    if (Array.isArray(rows)) return (index) => rows[index];
    const bytes = await blobs.get(rows.blob);
    // A bucket forgets objects by its own rule, which may come a little before the item's.
    return bytes ? unpackRows(bytes) : () => undefined;
  };

  return {
    one: async (id: string, index: number): Promise<PredictionRecord | undefined> => {
      const query = { partition: places.request(id), order: "descending", limit: 1 } as const;
      const [item] = (await store.page(query)).items;
      if (item === undefined) return undefined;
      const kept = StoredRequest.parse(item.value);
      const row = (await rowsOf(kept))(index);
      return row && recordOf(`${id}.${index}`, kept, row);
    },

    /** At most `limit` rows of a request, those with the label where one is given. */
    some: async (entry: Entry, limit: number, label: string | undefined): Promise<readonly FoundRecord[]> => {
      const { at, id } = parseIndexSortKey(entry.sort);
      const item = await store.get({ partition: places.request(id), sort: requestSortKey(at) });
      if (item === undefined) return [];
      const kept = StoredRequest.parse(item.value);
      const row = await rowsOf(kept);
      const found: FoundRecord[] = [];
      for (let index = entry.from; index < entry.rows && found.length < limit; index += 1) {
        if ((index - entry.from) % rowsPerTurn === rowsPerTurn - 1) await setImmediate();
        const here = row(index, label);
        if (here && (label === undefined || here.prediction.label === label))
          found.push({
            record: recordOf(`${id}.${index}`, kept, here),
            at: { sort: entry.sort, row: index },
          });
      }
      return found;
    },
  };
};

/**
 * The place to look from next for a label: the same, or the end of the next older hour that holds one. Undefined:
 * none does. The last two hours are always looked through, because their counters may still be on the way.
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

/** Walks the index from new to old. */
const createIndexWalker = ({ store, environment, model }: Needs) => {
  const { index } = recordPartitions({ environment, model });

  const entryAt = async ({ sort, row }: ListPosition): Promise<readonly (Entry & IndexEntry)[]> => {
    if (row === null) return [];
    const item = await store.get({ partition: index, sort });
    return item ? [{ ...IndexEntry.parse(item.value), sort, from: row }] : [];
  };

  /** Requests that together have `wanted` rows, and where to go on; `behind` is undefined at the end. */
  return async (position: ListPosition, wanted: number, label: string | undefined) => {
    const [first, page] = await Promise.all([
      entryAt(position),
      store.page({
        partition: index,
        order: "descending",
        limit: label === undefined ? wanted : scanPageSize,
        after: encodeCursor(position.sort),
      }),
    ]);
    const rest = page.items.map(({ key, value }) => ({
      ...IndexEntry.parse(value),
      sort: key.sort,
      from: 0,
    }));
    const entries: Entry[] = [];
    let rows = 0;
    let scanned = 0;
    for (const entry of [...first, ...rest]) {
      if (rows >= wanted)
        return { entries, scanned, behind: { sort: entries.at(-1)?.sort ?? "", row: null } };
      scanned += 1;
      const matching =
        label === undefined
          ? entry.rows - entry.from
          : ((entry.labels && getOwnProperty(entry.labels, label)) ?? 0);
      if (matching === 0) continue;
      entries.push(entry);
      // Of a request that is begun in its middle nobody knows how many rows with the label are left.
      if (label === undefined || entry.from === 0) rows += matching;
    }
    const last = page.items.at(-1)?.key.sort;
    const behind = page.cursor === undefined || last === undefined ? undefined : { sort: last, row: null };
    return { entries, scanned, behind };
  };
};

/**
 * Shows the records of one model in one environment. A record by its id costs one read of the store, and one of the
 * blobs for a large request. A page costs one query of the index, one read for each request that it shows rows of
 * (eight at the same time), and the counters of the last two hours; those of all hours once an hour.
 *
 * With a label, hours without it are skipped by their counters, requests without it by the index, and one page looks
 * through at most 2,000 requests: it then holds fewer rows than asked for, and a cursor to go on with.
 * `total` counts by the hour: up to an hour's records may be in it that have just expired.
 */
export const createPredictionReader = (needs: Needs): PredictionReader => {
  const { store, clock } = needs;
  const counts = readHourlyCounts({ store, clock, partition: recordPartitions(needs).counts });
  const rows = createRowReader(needs);
  const walk = createIndexWalker(needs);

  const list = async ({ limit, cursor, label }: ListQuery): Promise<PredictionPage> => {
    if (!Number.isInteger(limit) || limit < 1 || limit > 100)
      throw new RangeError(`a page holds 1 to 100 records, not ${limit}`);
    const start = cursor === undefined ? newestPosition : readCursor(cursor);
    const counted = counts();
    const found: FoundRecord[] = [];
    let scanned = 0;
    let position: ListPosition | undefined = start;
    // One record more than asked for tells whether there is a next page, and where it begins.
    while (found.length <= limit && scanned < maxScanned) {
      if (label !== undefined) position = findNextPosition(position, await counted, label, clock());
      if (position === undefined) break;
      const missing = limit + 1 - found.length;
      const walked = await walk(position, missing, label);
      for (let from = 0; from < walked.entries.length && found.length <= limit; from += maxParallelEntries) {
        const some = walked.entries.slice(from, from + maxParallelEntries);
        const read = await Promise.all(some.map((entry) => rows.some(entry, missing, label)));
        found.push(...read.flat());
      }
      scanned += walked.scanned;
      position = walked.behind;
      if (position === undefined) break;
    }
    const next = found[limit]?.at ?? position;
    return {
      items: found.slice(0, limit).map(({ record }) => record),
      ...(next ? { cursor: writeCursor(next) } : {}),
      total: [...(await counted).values()].reduce(
        (sum, hour) => sum + (label === undefined ? hour.rows : (hour.labels.get(label) ?? 0)),
        0,
      ),
    };
  };

  return {
    prediction: async (id) => {
      const [, request, row] = id.match(recordId) ?? [];
      return request === undefined || row === undefined ? undefined : rows.one(request, Number(row));
    },
    list,
  };
};
