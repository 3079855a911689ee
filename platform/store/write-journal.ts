import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { basename } from "node:path";
import { DataFolderUnusable, toDataFolderError } from "#platform/errors/data-folder-unusable.ts";
import type { BackgroundCheckpoints } from "./background-checkpoints.ts";
import { prepareItemWrites } from "./item-writes.ts";
import {
  encodeBatch,
  formatJournalLine,
  type JournalEntry,
  type JournalLine,
  type JournalSpan,
  journalHeader,
  parseJournalLines,
} from "./journal-lines.ts";
import type { Database } from "./open-database.ts";
import type { CounterAddition, Key, WriteBatch } from "./store.ts";

/** Confirmed batches go into the database after this time, or from this number or size on. */
const flushAfterMs = 200;
const flushAt = { batches: 250, bytes: 256_000 };
/** One transaction takes up to twice that, so that it usually takes all; it must not block the event loop for long. */
const transactionLimits = { batches: 2 * flushAt.batches, bytes: 2 * flushAt.bytes };
/** From this size of the file on, everything is moved at once. */
const maxJournalBytes = 32_000_000;
/** The pause before the next try after the database refused a write. */
const retryAfterMs = 1_000;
/** While the database refuses writes, no more than this is confirmed: each read has to work through it. */
const maxUnflushed = { batches: 1_000, bytes: 1_000_000 };
/** More than this does not wait for the end of a checkpoint. */
const heldLimits = { batches: 5_000, bytes: 8_000_000 };
/** A larger file is not a journal of this version. */
const maxFileBytes = 256_000_000;

type Gathered = {
  readonly entry: JournalEntry;
  readonly line: JournalLine;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
};
/** An item of a confirmed batch: its JSON, or where it stands in the journal. */
type WaitingItem = {
  readonly key: Key;
  readonly expiresAt: number | undefined;
  readonly json: string | JournalSpan;
};
/** A confirmed batch that is not in the database yet. */
type Unflushed = {
  readonly number: number;
  readonly items: readonly WaitingItem[];
  readonly additions: readonly CounterAddition[];
  readonly bytes: number;
};

/** Rolls a transaction back that must not change anything. */
class Discarded extends Error {
  override readonly name = "Discarded";
}

export type WriteJournal = {
  /**
   * Confirms a batch: it resolves when the whole batch survives the end of this process, even SIGKILL; all batches of one
   * turn of the event loop share one write. Rejects with ItemTooLarge, RangeError, or DataFolderUnusable (disk), and then
   * stores nothing of the batch.
   */
  append(batch: WriteBatch): Promise<void>;
  /** Runs a synchronous read of the database in which every confirmed batch is visible. */
  read<T>(work: () => T): T;
  /** Moves every confirmed batch into the database; throws DataFolderUnusable, and then keeps them. */
  flush(): void;
  /** Flushes and closes. Batches that the database refuses stay in the file for the next start. */
  close(): void;
};

type Needs = {
  /** The file; it belongs to the one process that owns the data folder. */
  readonly path: string;
  readonly database: Database;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  /** Gets sentences about what the database refuses, and about what was found at the start. */
  readonly log: (sentence: string, error?: unknown) => void;
  /** Absent: SQLite makes checkpoints itself, in some of the commits. */
  readonly checkpoints?: Pick<BackgroundCheckpoints, "startIfLarge" | "running">;
};

/** Sums additions per item: one write per item and transaction instead of one per batch. */
const sumAdditions = (batches: readonly Unflushed[]): readonly CounterAddition[] => {
  // Most requests share one object with others that count the same.
  const times = new Map<CounterAddition, number>();
  for (const { additions } of batches)
    for (const addition of additions) times.set(addition, (times.get(addition) ?? 0) + 1);
  const sums = new Map<string, { addition: CounterAddition; readonly amounts: Map<string, number> }>();
  for (const [addition, count] of times) {
    const id = `${addition.key.partition}\0${addition.key.sort}`;
    let sum = sums.get(id);
    if (sum === undefined) {
      sum = { addition, amounts: new Map() };
      sums.set(id, sum);
    }
    // As with `add`, the last addition sets the time of expiry.
    sum.addition = addition;
    for (const [name, amount] of Object.entries(addition.amounts))
      sum.amounts.set(name, (sum.amounts.get(name) ?? 0) + count * amount);
  }
  return [...sums.values()].map(({ addition, amounts }) => ({
    ...addition,
    amounts: Object.fromEntries(amounts),
  }));
};

/** The database's side: it knows which batch it got last, so that none is counted twice. */
const createApplier = ({
  database,
  path,
  clock,
  read,
}: Pick<Needs, "database" | "path" | "clock"> & { readonly read: (span: JournalSpan) => string }) => {
  const writes = prepareItemWrites(database);
  const marker = { partition: "write-journal", sort: basename(path) };
  const readMarker = database.prepare("SELECT value FROM items WHERE partition = ? AND sort = ?");
  return {
    readLast: (): number => Number(readMarker.get(marker.partition, marker.sort)?.value ?? 0),
    /** Runs within a transaction. */
    apply: (batches: readonly Unflushed[]): void => {
      const now = clock();
      let written = 0;
      for (const { items } of batches)
        for (const { key, json, expiresAt } of items) {
          writes.overwrite(key, typeof json === "string" ? json : read(json), expiresAt);
          written += 1;
        }
      for (const { key, amounts, expiresAt } of sumAdditions(batches))
        writes.increase(key, JSON.stringify(amounts), expiresAt, now);
      writes.overwrite(marker, String(batches.at(-1)?.number ?? 0), undefined);
      // At least as many as were written, so that expired items do not pile up.
      writes.sweep(now, written + 10);
    },
  };
};

/** What the database gets of a batch whose line stands in the journal's bytes from `start` on; undefined: not in ASCII, so it is kept as text. */
const toWaiting = (
  { number, batch: { entries, additions } }: JournalEntry,
  bytes: number,
  line?: { readonly start: number; readonly spans: readonly JournalSpan[] },
): Unflushed => ({
  number,
  additions,
  bytes,
  items: entries.map(({ key, expiresAt, ...entry }, index) => {
    const span = line?.spans[index];
    if (span && line)
      return { key, expiresAt, json: { start: line.start + span.start, length: span.length } };
    if (!("json" in entry)) throw new TypeError("the batch was not encoded");
    return { key, expiresAt, json: entry.json };
  }),
});

/** Bytes that are kept for the next lines. */
const keptBytes = 1_000_000;
/**
 * The bytes of the file. What waits for the database is read from them: as texts on V8's heap, nearly all of it would live just
 * long enough to be moved into the old generation, which is then collected as a whole several times a second.
 */
const createMirror = () => {
  let bytes = Buffer.allocUnsafeSlow(keptBytes);
  return {
    /** Writes a text at a position; returns its bytes. */
    write: (text: string, position: number): number => {
      const most = position + 3 * text.length;
      if (most > bytes.length) {
        const larger = Buffer.allocUnsafeSlow(2 * most);
        bytes.copy(larger, 0, 0, position);
        bytes = larger;
      }
      return bytes.write(text, position);
    },
    slice: (start: number, end: number): Uint8Array => bytes.subarray(start, end),
    read: ({ start, length }: JournalSpan): string => bytes.toString("latin1", start, start + length),
    /** Nothing in it is needed any more. */
    clear: (): void => {
      if (bytes.length > keptBytes) bytes = Buffer.allocUnsafeSlow(keptBytes);
    },
  };
};

const openFile = (path: string): { readonly file: number; readonly text: string } => {
  try {
    const file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    const { size } = fstatSync(file);
    const text = size > maxFileBytes ? "" : readFileSync(file, "utf8");
    if (size > maxFileBytes || !(text.startsWith(journalHeader) || journalHeader.startsWith(text))) {
      closeSync(file);
      throw new DataFolderUnusable(
        `${path} cannot be used: it is not a write journal of this version. Start the version that wrote it once, or move the file.`,
      );
    }
    return { file, text };
  } catch (error) {
    throw toDataFolderError(path, error);
  }
};

/**
 * A journal in front of the database of a store: a file to which batches are appended as lines, and from which they go into
 * the database in large transactions. Confirming a batch is one write to the file; a commit of SQLite costs ten times as
 * much. The promise is that of SQLite's WAL with synchronous=NORMAL: what is confirmed survives the end of the process,
 * and a power cut can lose the last writes. What a killed process left is moved into the database at the start; a batch is
 * never counted twice, because the database stores the number of its last batch in the same transaction.
 * Throws DataFolderUnusable.
 */
export const openWriteJournal = ({ path, database, clock, log, checkpoints }: Needs): WriteJournal => {
  const mirror = createMirror();
  const applier = createApplier({ path, database, clock, read: mirror.read });
  const { file, text } = openFile(path);
  const headerBytes = Buffer.byteLength(journalHeader);
  let end = headerBytes;
  let gathered: Gathered[] = [];
  let unflushed: Unflushed[] = [];
  let unflushedBytes = 0;
  let lastNumber = applier.readLast();
  let refusal: unknown;
  let timer: NodeJS.Timeout | undefined;
  let isFlushPlanned = false;
  let isHeld = false;
  let closed = false;

  /** Writes at a position, so that lines of a failed write are overwritten even where they could not be cut off. */
  const writeAt = (bytes: Uint8Array, position: number): void => {
    for (let written = 0; written < bytes.length; )
      written += writeSync(file, bytes, written, bytes.length - written, position + written);
  };

  /** Cuts off what stands behind `end`. Where that fails, lines behind it are ignored by their numbers. */
  const truncate = (): void => {
    try {
      ftruncateSync(file, end);
    } catch (error) {
      log(`${path} could not be shortened`, toDataFolderError(path, error));
    }
  };

  /** How many of the oldest batches one transaction takes. */
  const countNext = (): number => {
    let bytes = 0;
    const count = unflushed.findIndex((batch, index) => {
      bytes += batch.bytes;
      return index > 0 && (index >= transactionLimits.batches || bytes > transactionLimits.bytes);
    });
    return count < 0 ? unflushed.length : count;
  };

  /** Moves the oldest batches into the database in one transaction; empties the file with the last ones. */
  const flushPart = (): void => {
    const part = unflushed.slice(0, countNext());
    if (part.length === 0) return;
    database.write(() => applier.apply(part));
    unflushed = unflushed.slice(part.length);
    for (const { bytes } of part) unflushedBytes -= bytes;
    refusal = undefined;
    checkpoints?.startIfLarge();
    if (unflushed.length > 0) return;
    end = headerBytes;
    mirror.clear();
    truncate();
  };

  const flush = (): void => {
    while (unflushed.length > 0) flushPart();
    clearTimeout(timer);
    timer = undefined;
  };

  /** Whether a running checkpoint's end will plan the next flush: what is written during it makes it longer. */
  const holdForCheckpoint = (): boolean => {
    const checkpoint = checkpoints?.running();
    if (!checkpoint || unflushed.length >= heldLimits.batches || unflushedBytes >= heldLimits.bytes)
      return false;
    if (!isHeld)
      void checkpoint.then(() => {
        isHeld = false;
        planFlush();
      });
    isHeld = true;
    return true;
  };

  const flushInBackground = (): void => {
    clearTimeout(timer);
    timer = undefined;
    isFlushPlanned = false;
    if (closed || holdForCheckpoint()) return;
    try {
      if (end > maxJournalBytes) flush();
      else flushPart();
    } catch (error) {
      if (refusal === undefined)
        log(`${unflushed.length} records wait in ${path}, because the database refuses them`, error);
      refusal = error;
    }
    planFlush();
  };

  /** A large flush starts after the responses of this turn, and continues with a turn between its transactions. */
  const planFlush = (): void => {
    if (unflushed.length === 0 || closed || holdForCheckpoint()) return;
    const isLarge = unflushed.length >= flushAt.batches || unflushedBytes >= flushAt.bytes;
    if (isLarge && refusal === undefined) {
      if (!isFlushPlanned) setImmediate(flushInBackground);
      isFlushPlanned = true;
    } else {
      // Unref'd: the timer must not keep the process alive, and `close` flushes at its end.
      timer ??= setTimeout(flushInBackground, refusal === undefined ? flushAfterMs : retryAfterMs).unref();
    }
  };

  const commit = (): void => {
    const group = gathered;
    if (group.length === 0) return;
    gathered = [];
    const starts: number[] = [];
    let next = end;
    for (const { line } of group) {
      starts.push(next);
      next += mirror.write(line.text, next);
    }
    try {
      writeAt(mirror.slice(end, next), end);
    } catch (error) {
      const cause = toDataFolderError(path, error);
      truncate();
      for (const { reject } of group) reject(cause);
      return;
    }
    for (const [index, { entry, line, resolve }] of group.entries()) {
      const start = starts[index] ?? end;
      const bytes = (starts[index + 1] ?? next) - start;
      const isAscii = bytes === line.text.length;
      unflushed.push(toWaiting(entry, bytes, isAscii ? { start, spans: line.spans } : undefined));
      unflushedBytes += bytes;
      resolve();
    }
    end = next;
    planFlush();
  };

  const recover = (): void => {
    const { entries, ignored } = parseJournalLines(text.slice(journalHeader.length));
    const missing = entries.filter(({ number }) => number > lastNumber);
    if (ignored > 0)
      log(`the last ${ignored} characters of ${path} are incomplete: they were never confirmed`);
    lastNumber = Math.max(lastNumber, entries.at(-1)?.number ?? 0);
    unflushed = missing.map((entry) => toWaiting(entry, 0));
    flush();
    writeAt(Buffer.from(journalHeader), 0);
    ftruncateSync(file, headerBytes);
  };

  try {
    recover();
  } catch (error) {
    closeSync(file);
    throw toDataFolderError(path, error);
  }

  return {
    append: (batch) =>
      // What is thrown here rejects the promise.
      new Promise<void>((resolve, reject) => {
        if (closed) throw new Error("the journal is closed");
        const isFull = unflushed.length >= maxUnflushed.batches || unflushedBytes >= maxUnflushed.bytes;
        if (refusal !== undefined && isFull) throw refusal;
        const entry = { number: lastNumber + 1, batch: encodeBatch(batch) };
        const line = formatJournalLine(entry);
        lastNumber += 1;
        gathered.push({ entry, line, resolve, reject });
        // By then, all requests that arrived in this turn of the event loop have added their batches.
        if (gathered.length === 1) setImmediate(commit);
      }),

    read: (work) => {
      try {
        flush();
        return work();
      } catch (error) {
        if (unflushed.length === 0) throw error;
        refusal ??= error;
        // A full disk refuses the commit, not the transaction: read within it, and roll it back.
        let result: { readonly value: ReturnType<typeof work> } | undefined;
        try {
          database.write(() => {
            applier.apply(unflushed);
            result = { value: work() };
            throw new Discarded();
          });
        } catch (reason) {
          if (!(reason instanceof Discarded)) throw reason;
        }
        if (result === undefined) throw error;
        return result.value;
      } finally {
        planFlush();
      }
    },

    flush,

    close: () => {
      if (closed) return;
      commit();
      try {
        flush();
      } catch (error) {
        log(`${unflushed.length} records stay in ${path} until the next start`, error);
      }
      closed = true;
      clearTimeout(timer);
      closeSync(file);
    },
  };
};
