import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { storeContract } from "#test/contracts/store.ts";
import { createSeededRandom } from "#test/support/seeded-random.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { formatJournalLine, journalHeader } from "./journal-lines.ts";
import { createJournaledStore } from "./journaled-store.ts";
import { type Database, openDatabase } from "./open-database.ts";
import { createSqliteStore } from "./sqlite.ts";
import type { WriteBatch } from "./store.ts";
import { openWriteJournal } from "./write-journal.ts";

storeContract("SQLite behind a journal", async () => {
  const folder = await createTemporaryFolder();
  const database = openDatabase(join(folder.path, "state.db"));
  let offset = 0;
  const now = () => Date.now() + offset;
  const journal = openWriteJournal({
    path: join(folder.path, "records.journal"),
    database,
    clock: now,
    log: (sentence, error) => expect.fail(`${sentence} ${error}`),
  });
  return {
    store: createJournaledStore({ store: createSqliteStore({ database, clock: now }), journal }),
    now,
    advance: (milliseconds) => {
      offset += milliseconds;
    },
    close: async () => {
      journal.close();
      database.close();
      await folder.remove();
    },
  };
});

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
const closing: (() => void)[] = [];
beforeEach(async () => {
  folder = await createTemporaryFolder();
});
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) close();
  await folder.remove();
});

const path = () => join(folder.path, "records.journal");
const counts = { partition: "counts", sort: "hour" };
const batchOf = (name: string, value = name): WriteBatch => ({
  entries: [{ key: { partition: "items", sort: name }, value }],
  additions: [{ key: counts, amounts: { rows: 1, [`label:${name}`]: 1 } }],
});

/** Opens journal and store like a process that starts; `refuse` makes the database refuse commits as on a full disk. */
const start = (checkpoints?: Parameters<typeof openWriteJournal>[0]["checkpoints"]) => {
  const opened = openDatabase(join(folder.path, "state.db"));
  const state = { refuse: false, commits: 0 };
  const database: Database = {
    ...opened,
    write: (work) =>
      opened.write(() => {
        const result = work();
        if (state.refuse) throw new Error("the disk is full");
        state.commits += 1;
        return result;
      }),
  };
  const lines: string[] = [];
  const journal = openWriteJournal({
    path: path(),
    database,
    clock: Date.now,
    log: (sentence) => lines.push(sentence),
    ...(checkpoints && { checkpoints }),
  });
  const store = createJournaledStore({
    store: createSqliteStore({ database: opened, clock: Date.now }),
    journal,
  });
  const end = () => {
    journal.close();
    opened.close();
  };
  closing.push(end);
  const read = async (name: string) => (await store.get({ partition: "items", sort: name }))?.value;
  return { journal, store, state, lines, end, read, database: opened };
};

/** What a killed process leaves: the journal's file as it is, the database as it is. */
const kill = (process: ReturnType<typeof start>) => {
  const left = readFileSync(path());
  process.end();
  closing.splice(closing.indexOf(process.end), 1);
  writeFileSync(path(), left);
};

describe("a journal", () => {
  test("confirms all batches of one turn with one write and without a commit", async () => {
    const { journal, state } = start();
    const { commits } = state;
    await Promise.all([journal.append(batchOf("a")), journal.append(batchOf("b"))]);
    expect(state.commits).toBe(commits);
    expect(readFileSync(path(), "utf8").split("\n")).toHaveLength(4);
  });

  test("shows confirmed batches to every read, and moves them with one commit", async () => {
    const { journal, state, read, store } = start();
    await Promise.all(["a", "b", "c"].map((name) => journal.append(batchOf(name))));
    const { commits } = state;
    expect(await read("b")).toBe("b");
    expect(state.commits).toBe(commits + 1);
    expect((await store.get(counts))?.value).toEqual({ rows: 3, "label:a": 1, "label:b": 1, "label:c": 1 });
    expect(readFileSync(path(), "utf8")).toBe(journalHeader);
  });

  test("of a killed process is moved into the database at the next start, once", async () => {
    const first = start();
    await first.journal.append(batchOf("a"));
    await first.journal.append(batchOf("b"));
    // The file is as it was before the batches were moved, as if the process had died between commit and truncation.
    kill(first);
    const second = start();
    expect(await second.read("b")).toBe("b");
    expect((await second.store.get(counts))?.value).toMatchObject({ rows: 2 });
    await second.journal.append(batchOf("c"));
    expect((await second.store.get(counts))?.value).toMatchObject({ rows: 3 });
    expect(second.lines).toEqual([]);
  });

  test("of which the database knows nothing, because its process died before, loses nothing", async () => {
    // Written by hand: only the journal exists.
    const lines = ["a", "b"].map(
      (name, index) => formatJournalLine({ number: index + 41, batch: batchOf(name) }).text,
    );
    writeFileSync(path(), journalHeader + lines.join(""));
    const { read, store, journal } = start();
    expect([await read("a"), await read("b")]).toEqual(["a", "b"]);
    await journal.append(batchOf("c"));
    expect((await store.get(counts))?.value).toMatchObject({ rows: 3 });
  });

  test("cut off at any byte keeps every complete batch before the cut, and no part of the others", async () => {
    const random = createSeededRandom(15);
    const names = Array.from({ length: 12 }, (_, index) => `${index}-語"\n`);
    const parts = [
      Buffer.from(journalHeader),
      ...names.map((name, index) =>
        Buffer.from(formatJournalLine({ number: index + 1, batch: batchOf(name, "x".repeat(index)) }).text),
      ),
    ];
    const whole = Buffer.concat(parts);
    for (let round = 0; round < 30; round += 1) {
      const cut = Math.floor(random() * (whole.length + 1));
      const complete =
        parts.filter((_, index) => Buffer.concat(parts.slice(0, index + 1)).length <= cut).length - 1;
      writeFileSync(path(), whole.subarray(0, cut));
      const process = start();
      const { items } = await process.store.page({ partition: "items", order: "ascending", limit: 100 });
      expect([cut, items.length]).toEqual([cut, Math.max(0, complete)]);
      const rows = (await process.store.get(counts))?.value ?? { rows: 0 };
      expect(rows).toMatchObject({ rows: Math.max(0, complete) });
      process.database.prepare("DELETE FROM items").run();
      kill(process);
    }
  });

  test("with a changed byte in a line ignores that line and what follows, and says so", async () => {
    const text = `${journalHeader}${formatJournalLine({ number: 1, batch: batchOf("a") }).text}${formatJournalLine({ number: 2, batch: batchOf("b") }).text.replace('"b"', '"c"')}`;
    writeFileSync(path(), text);
    const { read, lines } = start();
    expect([await read("a"), await read("b"), await read("c")]).toEqual(["a", undefined, undefined]);
    expect(lines).toEqual([expect.stringMatching(/the last \d+ characters of .* are incomplete/)]);
  });

  test("that another program wrote is refused and not changed", async () => {
    writeFileSync(path(), "somebody's notes\n");
    expect(start).toThrow(expect.objectContaining({ name: "DataFolderUnusable" }));
    expect(readFileSync(path(), "utf8")).toBe("somebody's notes\n");
  });

  test("gives the database every text as it was, whatever else shares its turn", async () => {
    const { journal, read } = start();
    const texts = ["plain", "é", "snow ☃", "𝄞 of two units", '"quoted"\n', "x".repeat(200_000), "", "after"];
    for (const round of [0, 1]) {
      await Promise.all(texts.map((text, index) => journal.append(batchOf(`${round}-${index}`, text))));
      const found = await Promise.all(texts.map((_, index) => read(`${round}-${index}`)));
      expect(found).toEqual(texts);
    }
    const pair = [batchOf("one", "1").entries, batchOf("two", "22").entries].flat();
    await journal.append({ entries: pair, additions: [] });
    expect([await read("one"), await read("two")]).toEqual(["1", "22"]);
  });

  test("stores nothing of a batch with an amount that is not a whole number", async () => {
    const { journal, read, store } = start();
    const { entries } = batchOf("half");
    const half = { entries, additions: [{ key: counts, amounts: { rows: 0.5 } }] };
    await expect(journal.append(half)).rejects.toThrow(RangeError);
    await journal.append(batchOf("a"));
    expect([await read("half"), await read("a")]).toEqual([undefined, "a"]);
    expect((await store.get(counts))?.value).toMatchObject({ rows: 1 });
  });

  test("stores nothing of a batch with a too large item, and the others of its turn", async () => {
    const { journal, read } = start();
    const [large, small] = await Promise.allSettled([
      journal.append(batchOf("large", "x".repeat(400_000))),
      journal.append(batchOf("small")),
    ]);
    expect([large.status, small.status]).toEqual(["rejected", "fulfilled"]);
    expect([await read("large"), await read("small")]).toEqual([undefined, "small"]);
  });

  test("keeps JSON that contains line breaks on one line", async () => {
    const first = start();
    await first.journal.append({
      entries: [{ key: { partition: "items", sort: "a" }, json: '{"a":\n"b\\n"}' }],
      additions: [],
    });
    kill(first);
    expect(await start().read("a")).toEqual({ a: "b\n" });
  });
});

describe("a database that refuses writes", () => {
  test("delays no confirmation, and reads still see everything confirmed", async () => {
    const { journal, state, read, store, lines } = start();
    await journal.append(batchOf("a"));
    expect(await read("a")).toBe("a");
    state.refuse = true;
    await journal.append(batchOf("b"));
    expect([await read("a"), await read("b")]).toEqual(["a", "b"]);
    expect((await store.get(counts))?.value).toMatchObject({ rows: 2 });
    state.refuse = false;
    await journal.append(batchOf("c"));
    expect((await store.get(counts))?.value).toMatchObject({ rows: 3 });
    expect(lines).toEqual([]);
  });

  test("ends in refusals once a thousand batches wait, and loses none of them", async () => {
    const { journal, state, read, store } = start();
    state.refuse = true;
    await journal.append(batchOf("first"));
    await read("first");
    let confirmed = 1;
    let error: unknown;
    while (error === undefined)
      await journal.append(batchOf(`${confirmed}`)).then(
        () => (confirmed += 1),
        (reason: unknown) => {
          error = reason;
        },
      );
    expect(error).toMatchObject({ message: "the disk is full" });
    expect(confirmed).toBe(1_000);
    state.refuse = false;
    expect((await store.get(counts))?.value).toMatchObject({ rows: 1_000 });
    await journal.append(batchOf("again"));
    expect(await read("again")).toBe("again");
  });

  test("at the end leaves the batches for the next start", async () => {
    const first = start();
    await first.journal.append(batchOf("a"));
    first.state.refuse = true;
    first.end();
    expect(first.lines).toEqual([expect.stringMatching(/1 records stay in .*records\.journal/)]);
    expect(await start().read("a")).toBe("a");
  });
});

test("lines behind the end that could not be cut off are not read again", async () => {
  const first = start();
  await first.journal.append(batchOf("a"));
  const line = readFileSync(path(), "utf8").slice(journalHeader.length);
  kill(first);
  const second = start();
  await second.journal.append(batchOf("b"));
  // As after a failed truncation: an old line, with a lower number, behind the new one.
  appendFileSync(path(), line);
  kill(second);
  const third = start();
  expect((await third.store.get(counts))?.value).toMatchObject({ rows: 2, "label:a": 1 });
});

describe("while a checkpoint runs", () => {
  const startWithCheckpoint = () => {
    const checkpoint = Promise.withResolvers<void>();
    let running: Promise<void> | undefined = checkpoint.promise;
    const started = start({ startIfLarge: () => undefined, running: () => running });
    const end = () => {
      running = undefined;
      checkpoint.resolve();
    };
    return { ...started, end };
  };
  const append = async (journal: ReturnType<typeof start>["journal"], count: number) => {
    await Promise.all(Array.from({ length: count }, (_, index) => journal.append(batchOf(`${index}`))));
    // The turn in which a full journal is moved.
    for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
  };

  test("confirmed batches wait in the file, and its end moves them", async () => {
    const { journal, state, store, end } = startWithCheckpoint();
    const { commits } = state;
    await append(journal, 300);
    expect(state.commits).toBe(commits);
    end();
    for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
    expect(state.commits).toBe(commits + 1);
    expect(readFileSync(path(), "utf8")).toBe(journalHeader);
    expect((await store.get(counts))?.value).toMatchObject({ rows: 300 });
  });

  test("a read sees what waits", async () => {
    const { journal, store } = startWithCheckpoint();
    await append(journal, 300);
    expect((await store.get(counts))?.value).toMatchObject({ rows: 300 });
  });

  test("five thousand batches do not wait for its end", async () => {
    const { journal, state } = startWithCheckpoint();
    const { commits } = state;
    await append(journal, 4_999);
    expect(state.commits).toBe(commits);
    await append(journal, 1);
    expect(state.commits).toBeGreaterThan(commits);
  });
});
