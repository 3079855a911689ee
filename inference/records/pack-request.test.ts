import { describe, expect, test } from "vitest";
import type { LayoutColumn } from "#model-folder/rows/scan/scan-rows.ts";
import type { Store } from "#platform/store/store.ts";
import { createLabelledRows, createRecordsFixture } from "#test/support/records-fixture.ts";
import type { PredictedRequest } from "./records.ts";
import { createUuidV7 } from "./uuid-v7.ts";

const hourMs = 3_600_000;
const start = Date.UTC(2026, 10, 21, 12);
const layout: readonly LayoutColumn[] = [{ name: "tenure", kind: "number", index: 0, texts: [] }];
const otherLayout: readonly LayoutColumn[] = [{ name: "months", kind: "number", index: 0, texts: [] }];
const labelNames = ["stay", "churn"];

let requests = 0;
/** A request of one row in columns, with the label `churn`. */
const createRequest = (
  at: number,
  changes: Partial<PredictedRequest> = {},
  columns = layout,
): PredictedRequest => {
  requests += 1;
  const id = createUuidV7(at, `00000000-0000-4000-8000-${String(requests).padStart(12, "0")}`);
  const scores = {
    ...{ rows: 1, names: labelNames, labelNames },
    scores: new Float32Array([0.25, 0.75]),
    labels: new Int32Array([1]),
    bands: undefined,
  };
  const numbers = { table: { count: 1, table: new Float64Array([7]) }, layout: columns, scores };
  return {
    ...createLabelledRows(["churn"], { at, id, ...changes }),
    columns: {
      count: 1,
      countLabels: () => new Map([["churn", 1]]),
      text: () => undefined,
      numbers: () => numbers,
    },
  };
};

const countForms = async ({ store }: ReturnType<typeof createRecordsFixture>): Promise<number> => {
  const query = { partition: "prediction-forms#prod#churn", order: "ascending", limit: 100 } as const;
  return (await store.page(query)).items.length;
};

describe("what packed requests have in common", () => {
  test("is one item for all that are alike, and each request is read with it", async () => {
    const fixture = createRecordsFixture({ appends: true });
    const all = [
      createRequest(start),
      createRequest(start + 1),
      createRequest(start + hourMs),
      createRequest(start, {}, otherLayout),
      createRequest(start, { modelVersion: 4 }),
    ];
    for (const request of all) expect(await fixture.recorder.record(request)).toBe("written");
    expect(await countForms(fixture)).toBe(3);
    const read = await Promise.all(all.map(({ id }) => fixture.newReader().prediction(`${id}.0`)));
    expect(read.map((record) => [record?.version, record?.inputs, record?.prediction.label])).toEqual([
      [3, { tenure: 7 }, "churn"],
      [3, { tenure: 7 }, "churn"],
      [3, { tenure: 7 }, "churn"],
      [3, { months: 7 }, "churn"],
      [4, { tenure: 7 }, "churn"],
    ]);
    expect(await fixture.newReader().list({ limit: 100, label: "churn" })).toMatchObject({ total: 5 });
  });

  test("is written once an hour, also when callers take turns that order the names differently", async () => {
    let written = 0;
    const instrument = (store: Store): Store => ({
      ...store,
      putAll: (entries) => {
        written += entries.filter(({ key }) => key.partition.startsWith("prediction-forms#")).length;
        return store.putAll(entries);
      },
    });
    const { recorder } = createRecordsFixture({ appends: true, instrument });
    for (const at of [start, start + 1, start + hourMs])
      for (const columns of [layout, otherLayout]) await recorder.record(createRequest(at, {}, columns));
    expect(written).toBe(4);
  });

  test("is there as long as any request that needs it, in whatever order they come", async () => {
    const ttlMs = 30 * 24 * hourMs;
    const times = [start + hourMs - 1, start + 2 * hourMs, start, start + 2 * hourMs - 1];
    const fixture = createRecordsFixture({ appends: true });
    const all = times.map((at) => createRequest(at));
    for (const request of all) expect(await fixture.recorder.record(request)).toBe("written");
    for (const { id, at } of all) {
      fixture.time.now = at + ttlMs;
      expect(await fixture.newReader().prediction(`${id}.0`)).toMatchObject({ inputs: { tenure: 7 } });
    }
    fixture.time.now = Math.max(...times) + ttlMs + 3 * hourMs;
    expect(await countForms(fixture)).toBe(0);
  });

  test("is there for another process's requests when this one writes it later for a late request", async () => {
    const [other, late] = [start + 2 * hourMs - 1, start + hourMs - 1];
    const first = createRecordsFixture({ appends: true });
    const request = createRequest(other);
    await first.recorder.record(request);
    const second = createRecordsFixture({ appends: true, instrument: () => first.store });
    await second.recorder.record(createRequest(late));
    first.time.now = other + 30 * 24 * hourMs;
    expect(await first.newReader().prediction(`${request.id}.0`)).toMatchObject({ inputs: { tenure: 7 } });
  });

  test("is written again after a write that failed", async () => {
    let fails = true;
    const instrument = (store: Store): Store => ({
      ...store,
      putAll: (entries) => (fails ? Promise.reject(new Error("the disk is full")) : store.putAll(entries)),
    });
    const fixture = createRecordsFixture({ appends: true, instrument });
    expect(await fixture.recorder.record(createRequest(start))).toBe("failed");
    fails = false;
    const request = createRequest(start);
    expect(await fixture.recorder.record(request)).toBe("written");
    expect(await fixture.reader.prediction(`${request.id}.0`)).toMatchObject({ inputs: { tenure: 7 } });
  });

  test("stays when a recorder with a shorter time writes the same", async () => {
    const longer = createRecordsFixture({ appends: true });
    const request = createRequest(start);
    await longer.recorder.record(request);
    const shorter = createRecordsFixture({ appends: true, ttlDays: 1, instrument: () => longer.store });
    await shorter.recorder.record(createRequest(start));
    longer.time.now = start + 20 * 24 * hourMs;
    expect(await longer.reader.prediction(`${request.id}.0`)).toMatchObject({ inputs: { tenure: 7 } });
  });
});
