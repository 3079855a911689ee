import { describe, expect, test } from "vitest";
import type { Row } from "#model-folder/manifest/manifest.ts";
import type { Store } from "#platform/store/store.ts";
import { createLabelledRows, createRecordsFixture } from "#test/support/records-fixture.ts";
import { PredictionRecord } from "./records.ts";

const many = (count: number, label = "stay") => Array.from({ length: count }, () => label);

/** Records what the store has to write. */
const noting = () => {
  const calls: string[] = [];
  const instrument = (store: Store): Store => ({
    ...store,
    putAll: (entries) => {
      calls.push(`putAll ${entries.length}`);
      return store.putAll(entries);
    },
    add: (key, amounts, options) => {
      calls.push(`add ${Object.keys(amounts).length}`);
      return store.add(key, amounts, options);
    },
  });
  return { calls, instrument };
};

describe("a record", () => {
  test("has all data of a predicted row, under the request's id and the row's index", async () => {
    const { recorder, reader } = createRecordsFixture();
    expect(await recorder.record(createLabelledRows(["stay", "churn"]))).toBe("written");
    expect(PredictionRecord.parse(await reader.prediction("request-1.1"))).toEqual({
      id: "request-1.1",
      model: "churn",
      version: 3,
      digest: `sha256:${"a".repeat(64)}`,
      environment: "prod",
      inputs: { tenure: 1, contract: "one-year" },
      prediction: { label: "churn", scores: { churn: 1 } },
      latencyMs: 1.5,
      createdAt: "2026-11-21T12:00:00.000Z",
    });
  });

  test.each([
    "request-1.2",
    "request-1",
    "request-1.",
    "request-1.00",
    "request-2.0",
    "",
    "a.b.0",
    "#.0",
    "request-1.-1",
  ])("is not found under another id: %j", async (id) => {
    const { recorder, reader } = createRecordsFixture();
    await recorder.record(createLabelledRows(["stay", "churn"]));
    expect(await reader.prediction(id)).toBeUndefined();
  });

  test("of a request with 10,000 rows is found in one blob and costs as many writes as one row", async () => {
    const { calls, instrument } = noting();
    const { recorder, reader, kept } = createRecordsFixture({ instrument });
    await recorder.record(createLabelledRows(many(1)));
    await recorder.record(createLabelledRows(many(10_000), { id: "large" }));
    expect(calls.toSorted()).toEqual(["add 2", "add 2", "putAll 2", "putAll 2"]);
    expect([...kept.keys()]).toEqual([
      `records/keep-30-days/prod/churn/${Date.UTC(2026, 10, 21, 12)}-large.jsonl.zst`,
    ]);
    expect(await reader.prediction("large.9999")).toMatchObject({
      id: "large.9999",
      inputs: { tenure: 9_999 },
    });
    expect(await reader.prediction("large.10000")).toBeUndefined();
  });

  test("of a hundred rows needs no blob, but a text of a million characters does", async () => {
    const { recorder, reader, kept } = createRecordsFixture();
    await recorder.record(createLabelledRows(many(100)));
    expect(kept.size).toBe(0);
    const text = "\ud800語".repeat(500_000);
    await recorder.record(createLabelledRows(["stay"], { id: "text", rows: [{ text }] }));
    expect(kept.size).toBe(1);
    expect((await reader.prediction("text.0"))?.inputs).toEqual({ text });
  });

  test("disappears from pages and from the total when it expires", async () => {
    const { recorder, reader, newReader, time } = createRecordsFixture();
    await recorder.record(createLabelledRows(["stay"]));
    time.now = Date.UTC(2026, 11, 21, 11, 59, 59);
    expect(await reader.prediction("request-1.0")).toBeDefined();
    time.now = Date.UTC(2026, 11, 21, 12, 0, 2);
    expect(await reader.prediction("request-1.0")).toBeUndefined();
    expect((await newReader().list({ limit: 20 })).items).toEqual([]);
    time.now = Date.UTC(2026, 11, 21, 13, 0, 2);
    expect(await newReader().list({ limit: 20 })).toEqual({ items: [], total: 0 });
  });

  test("that a retry writes twice exists once", async () => {
    const { recorder, reader } = createRecordsFixture();
    await recorder.record(createLabelledRows(["stay"]));
    await recorder.record(createLabelledRows(["stay"]));
    expect((await reader.list({ limit: 20 })).items).toHaveLength(1);
  });

  test("with more labels than the store counts per write counts all of them", async () => {
    const { recorder, reader } = createRecordsFixture();
    const labels = Array.from({ length: 250 }, (_, index) => `label ${index}`);
    await recorder.record(createLabelledRows(labels));
    for (const label of ["label 0", "label 249"])
      expect(await reader.list({ limit: 20, label })).toMatchObject({ items: [{}], total: 1 });
    expect((await reader.list({ limit: 20 })).total).toBe(250);
  });
});

describe("inputs", () => {
  test("are not stored anywhere if the manifest says none", async () => {
    const { recorder, reader, kept, store } = createRecordsFixture({ inputs: "none" });
    await recorder.record(createLabelledRows(many(2)));
    await recorder.record(createLabelledRows(many(200), { id: "large" }));
    for (const id of ["request-1.1", "large.199"]) {
      const record = await reader.prediction(id);
      expect(record).toHaveProperty("prediction.label", "stay");
      expect(record).not.toHaveProperty("inputs");
      expect(record).not.toHaveProperty("inputsHash");
    }
    const { items } = await store.page({
      partition: "prediction#prod#churn#request-1",
      order: "ascending",
      limit: 9,
    });
    expect(JSON.stringify(items)).not.toContain("one-year");
    expect(kept.size).toBe(1);
  });

  test("are a keyed hash if the manifest says hashed: equal for equal rows, different with another key", async () => {
    const rows: Row[] = [
      { tenure: 1, contract: "one-year", fee: null },
      { contract: "one-year", tenure: 1 },
      { tenure: 2, contract: "one-year" },
    ];
    const hashes = async (hashKey: Uint8Array, model: string) => {
      const { recorder, store } = createRecordsFixture({ inputs: "hashed", hashKey: async () => hashKey });
      await recorder.record(createLabelledRows(many(3), { rows, model }));
      const partition = `prediction#prod#${model}#request-1`;
      const { items } = await store.page({ partition, order: "ascending", limit: 1 });
      const text = JSON.stringify(items[0]?.value);
      expect(text).not.toContain("one-year");
      return [...text.matchAll(/"hash":"([\w-]{43})"/g)].map(([, hash]) => hash);
    };
    const [first, second, third] = await hashes(Buffer.alloc(32, 1), "churn");
    expect(first).toBe(second);
    expect(third).not.toBe(first);
    expect((await hashes(Buffer.alloc(32, 2), "churn"))[0]).not.toBe(first);
    expect((await hashes(Buffer.alloc(32, 1), "other"))[0]).not.toBe(first);
  });

  test("are not stored if the manifest says hashed but there is no key, and the log says so", async () => {
    const { recorder, reader, lines } = createRecordsFixture({ inputs: "hashed" });
    expect(lines).toEqual([expect.stringMatching(/no hash key/)]);
    await recorder.record(createLabelledRows(many(1)));
    expect(await reader.prediction("request-1.0")).not.toHaveProperty("inputsHash");
  });
});

describe("an error of the storage", () => {
  const rows = [{ secret: "a person's data" }];
  test.each(["putAll", "add"] as const)("in %s is logged and never thrown", async (broken) => {
    const instrument = (store: Store): Store => ({
      ...store,
      [broken]: () => Promise.reject(new Error("the table is gone")),
    });
    const { recorder, lines } = createRecordsFixture({ instrument });
    expect(await recorder.record(createLabelledRows(["stay"], { rows }))).toBe("failed");
    expect(lines).toEqual(["the record of request request-1 was not stored: Error: the table is gone"]);
  });

  test("of blobs leaves no request without rows in the list", async () => {
    const { recorder, reader, blobs, lines } = createRecordsFixture();
    blobs.put = () => Promise.reject(new Error("no bucket"));
    expect(await recorder.record(createLabelledRows(many(101)))).toBe("failed");
    expect((await reader.list({ limit: 20 })).items).toEqual([]);
    expect(lines).toHaveLength(1);
  });

  test("that never ends delays the caller no longer than the limit", async () => {
    const instrument = (store: Store): Store => ({ ...store, putAll: () => new Promise(() => {}) });
    const { recorder, lines } = createRecordsFixture({ instrument, limitMs: 10 });
    expect(await recorder.record(createLabelledRows(["stay"], { rows }))).toBe("failed");
    expect(lines).toEqual([
      "the record of request request-1 was not stored: RecordTooSlow: not written within 10 ms",
    ]);
  });

  test("is logged for a request that cannot be stored", async () => {
    const { recorder, lines } = createRecordsFixture();
    expect(await recorder.record(createLabelledRows(["stay"], { id: "a/../b" }))).toBe("failed");
    expect(await recorder.record(createLabelledRows(["stay"], { rows: [] }))).toBe("failed");
    expect(lines).toHaveLength(2);
  });
});
