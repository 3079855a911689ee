import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Store } from "#platform/store/store.ts";
import { countEventLoopTurns } from "#test/support/count-event-loop-turns.ts";
import { createLabelledRows, createRecordsFixture } from "#test/support/records-fixture.ts";
import { writeCursor } from "./list-cursor.ts";
import { createPredictionReader } from "./prediction-reader.ts";
import type { PredictedRequest, PredictionReader, PredictionRecord } from "./records.ts";

const hourMs = 3_600_000;
const noon = Date.UTC(2026, 10, 21, 12);
const labels = ["stay", "churn", "unsure"];

/** All pages, one after the other; each has at most the requested number and the same total. */
const allPages = async (reader: PredictionReader, limit: number, label?: string) => {
  const items: PredictionRecord[] = [];
  const totals = new Set<number>();
  let cursor: string | undefined;
  do {
    const page = await reader.list({
      limit,
      ...(cursor === undefined ? {} : { cursor }),
      ...(label === undefined ? {} : { label }),
    });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    totals.add(page.total);
    cursor = page.cursor;
  } while (cursor !== undefined);
  expect(totals.size).toBe(1);
  return { items, total: [...totals][0] };
};

/** Requests at times of up to 40 hours that clocks out of step have written in any order, some at the same time. */
const requests = fc
  .array(
    fc.record({
      hoursAgo: fc.integer({ min: 0, max: 40 }),
      ms: fc.constantFrom(0, 1, hourMs - 1),
      rows: fc.oneof(
        { weight: 6, arbitrary: fc.array(fc.constantFrom(...labels), { minLength: 1, maxLength: 4 }) },
        {
          weight: 1,
          arbitrary: fc
            .tuple(fc.integer({ min: 99, max: 130 }), fc.integer({ min: 1, max: 50 }))
            .map(([count, rare]) =>
              Array.from({ length: count }, (_, row) => (row % rare ? "stay" : "churn")),
            ),
        },
      ),
    }),
    { maxLength: 25 },
  )
  .map((list) =>
    list.map(({ hoursAgo, ms, rows }, index) =>
      createLabelledRows(rows, { id: `r${index}`, at: noon - hoursAgo * hourMs + ms }),
    ),
  );

const expectedOf = (list: readonly PredictedRequest[], label: string | undefined): readonly string[] =>
  list
    .toSorted((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
    .flatMap(({ id, predictions }) =>
      predictions.flatMap((prediction, row) =>
        label === undefined || prediction.label === label ? [`${id}.${row}`] : [],
      ),
    );

describe("pages", () => {
  test("together have every record once, newest first, with the requested label, and count them", async () => {
    await fc.assert(
      fc.asyncProperty(
        requests,
        fc.oneof(fc.constantFrom(1, 2, 20, 100), fc.integer({ min: 1, max: 100 })),
        fc.constantFrom(undefined, ...labels),
        async (list, limit, label) => {
          const { recorder, reader } = createRecordsFixture();
          for (const request of list) expect(await recorder.record(request)).toBe("written");
          const { items, total } = await allPages(reader, limit, label);
          const expected = expectedOf(list, label);
          expect(items.map(({ id }) => id)).toEqual(expected);
          expect(total).toBe(expected.length);
          for (const { id } of items.slice(0, 3))
            expect(await reader.prediction(id)).toEqual(items.find((item) => item.id === id));
        },
      ),
      { numRuns: 100 },
    );
  });

  test("do not shift when newer records arrive in between", async () => {
    const { recorder, reader } = createRecordsFixture();
    await recorder.record(createLabelledRows(["stay", "churn", "stay"], { id: "a", at: noon }));
    const first = await reader.list({ limit: 2 });
    await recorder.record(createLabelledRows(["stay"], { id: "b", at: noon }));
    await recorder.record(createLabelledRows(["stay"], { id: "c", at: noon + 1 }));
    const second = await reader.list({ limit: 2, cursor: first.cursor ?? "" });
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(["a.0", "a.1", "a.2"]);
    expect(second).toMatchObject({ total: 5 });
    expect(second).not.toHaveProperty("cursor");
  });

  test("count records that are added later, in this hour and in the previous one", async () => {
    const { recorder, reader, time } = createRecordsFixture();
    await recorder.record(createLabelledRows(["stay"], { id: "a", at: noon }));
    expect((await reader.list({ limit: 20 })).total).toBe(1);
    await recorder.record(createLabelledRows(["stay"], { id: "b", at: noon - 1 }));
    await recorder.record(createLabelledRows(["churn"], { id: "c", at: noon + 1 }));
    expect((await reader.list({ limit: 20 })).total).toBe(3);
    time.now += hourMs / 2 + 1;
    await recorder.record(createLabelledRows(["churn"], { id: "d", at: time.now }));
    expect((await reader.list({ limit: 20, label: "churn" })).total).toBe(2);
  });

  test("have no records of another model or environment", async () => {
    const { recorder, reader } = createRecordsFixture();
    await recorder.record(createLabelledRows(["stay"], { environment: "stage" }));
    await recorder.record(createLabelledRows(["stay"], { model: "churn2" }));
    expect(await reader.list({ limit: 20 })).toEqual({ items: [], total: 0 });
  });

  test("refuse a cursor that no page returned", async () => {
    const { reader } = createRecordsFixture();
    const written = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const sort = "000001795000000#r1";
    const bad = ["", "garbage", written(null), written([sort]), written(["prod", 0]), written([sort, -1])];
    bad.push(
      written([sort, 0.5]),
      written([`${sort}${"x".repeat(64)}`, 0]),
      `${writeCursor({ sort, row: 0 })}=`,
    );
    bad.push(`${writeCursor({ sort, row: 0 })} `, "A".repeat(100_000), written({ sort, row: 0 }));
    for (const cursor of bad)
      await expect(reader.list({ limit: 20, cursor })).rejects.toMatchObject({ name: "CursorInvalid" });
    expect((await reader.list({ limit: 20, cursor: writeCursor({ sort, row: 0 }) })).items).toEqual([]);
  });
});

describe("a rare label", () => {
  const counting = () => {
    const asked: string[] = [];
    const instrument = (store: Store): Store => ({
      ...store,
      page: (query) => {
        asked.push(query.partition.replace(/#.*/, ""));
        return store.page(query);
      },
      get: (key) => {
        asked.push(key.partition.replace(/#.*/, ""));
        return store.get(key);
      },
    });
    return { asked, instrument };
  };

  test("is found without scanning the hours that do not have it", async () => {
    const { asked, instrument } = counting();
    const { recorder, reader } = createRecordsFixture({ instrument });
    for (let hours = 3; hours < 40; hours += 1)
      for (let request = 0; request < 60; request += 1)
        await recorder.record(
          createLabelledRows(["stay"], { id: `r${hours}-${request}`, at: noon - hours * hourMs }),
        );
    await recorder.record(createLabelledRows(["churn"], { id: "rare", at: noon - 50 * hourMs }));
    const { items, total } = await reader.list({ limit: 20, label: "churn" });
    expect(items.map(({ id }) => id)).toEqual(["rare.0"]);
    expect(total).toBe(1);
    expect(asked.filter((partition) => partition === "predictions").length).toBeLessThanOrEqual(3);
  });

  test("among very many requests of one hour ends a page early, with a cursor to continue", async () => {
    const { asked, instrument } = counting();
    const { recorder, reader } = createRecordsFixture({ instrument });
    await recorder.record(createLabelledRows(["churn"], { id: "rare", at: noon - 5 * hourMs }));
    for (let request = 0; request < 2_500; request += 1)
      await recorder.record(createLabelledRows(["stay"], { id: `r${request}`, at: noon - 5 * hourMs + 1 }));
    const first = await reader.list({ limit: 20, label: "churn" });
    expect(first.items).toEqual([]);
    expect(asked.filter((partition) => partition === "predictions").length).toBeLessThanOrEqual(9);
    const second = await reader.list({ limit: 20, label: "churn", cursor: first.cursor ?? "" });
    expect(second.items.map(({ id }) => id)).toEqual(["rare.0"]);
    expect(second.cursor).toBeUndefined();
  });

  test("in large requests does not block the event loop, and eight requests are read at a time", async () => {
    const world = createRecordsFixture();
    let reading = 0;
    let most = 0;
    const blobs = {
      get: async (key: string) => {
        most = Math.max(most, ++reading);
        await new Promise((resolve) => setImmediate(resolve));
        reading--;
        return world.blobs.get(key);
      },
    };
    const clock = () => world.time.now;
    const reader = createPredictionReader({ ...world, blobs, clock, environment: "prod", model: "churn" });
    const rare = [...Array<string>(2_999).fill("stay"), "churn"];
    for (let request = 0; request < 12; request++)
      await world.recorder.record(createLabelledRows(rare, { id: `large-${request}`, at: noon + request }));
    const { turns, value } = await countEventLoopTurns(() => reader.list({ limit: 20, label: "churn" }));
    expect(value.items.map(({ id }) => id)).toEqual(
      Array.from({ length: 12 }, (_, request) => `large-${11 - request}.2999`),
    );
    expect(most).toBe(8);
    // Two batches, each of 3,000 rows with a turn after every hundred.
    expect(turns).toBeGreaterThan(50);
  });

  test("costs one read per request on the page, with a list of any length", async () => {
    const { asked, instrument } = counting();
    const { recorder, reader } = createRecordsFixture({ instrument });
    for (let request = 0; request < 200; request += 1)
      await recorder.record(createLabelledRows(["stay"], { id: `r${request}`, at: noon + request }));
    await reader.list({ limit: 20 });
    const counts = Map.groupBy(asked, (partition) => partition);
    expect([...counts].map(([name, { length }]) => [name, length])).toEqual([
      ["prediction-counts", 1],
      ["predictions", 1],
      ["prediction", 21],
    ]);
  });
});

test("a page with a label has the rows of several labels that include it", async () => {
  const { recorder, reader } = createRecordsFixture();
  const [first] = createLabelledRows(["stay", "stay", "stay"]).predictions;
  const request = createLabelledRows(["stay", "stay", "stay"]);
  const several = [["stay", "churn"], [], ["churn"]].map((labels) => ({
    scores: first?.scores ?? {},
    labels,
  }));
  expect(await recorder.record({ ...request, predictions: several })).toBe("written");
  const page = await reader.list({ limit: 20, label: "churn" });
  expect(page.items.map(({ prediction }) => prediction.labels)).toEqual([["stay", "churn"], ["churn"]]);
  expect(page.total).toBe(2);
});
