import { expect, test } from "vitest";
import { createLabelledRows, createRecordsFixture } from "#test/support/records-fixture.ts";
import { createSeededRandom } from "#test/support/seeded-random.ts";
import type { PredictedRequest } from "./records.ts";
import { createUuidV7 } from "./uuid-v7.ts";

const start = Date.UTC(2026, 10, 21, 9);

/** Requests of three hours: with one row or many, small or large, with an id of their arrival or another. */
const createRequests = (random: () => number, count: number): readonly PredictedRequest[] =>
  Array.from({ length: count }, (_, index) => {
    const pick = (limit: number) => Math.floor(random() * limit);
    const at = start + pick(3 * 3_600_000);
    const hex = pick(2 ** 32)
      .toString(16)
      .padStart(8, "0");
    const uuid = createUuidV7(at, `${hex}-0000-4000-8000-${String(index).padStart(12, "0")}`);
    const labels = Array.from(
      { length: index === 5 ? 101 : 1 + pick(3) },
      () => ["stay", "churn", "__proto__"][pick(3)] ?? "",
    );
    const text = "\u2028語\n".repeat(pick(8) === 0 ? 2_000 : 1);
    return createLabelledRows(labels, {
      at,
      id: pick(6) === 0 ? `other-${index}` : uuid,
      rows: labels.map((label, tenure) => ({ tenure, text, label })),
    });
  });

const collectPages = async (
  reader: ReturnType<typeof createRecordsFixture>["reader"],
  limit: number,
  label?: string,
) => {
  const pages = [];
  for (let cursor: string | undefined; ; ) {
    const page = await reader.list({ limit, ...(cursor ? { cursor } : {}), ...(label ? { label } : {}) });
    pages.push(page);
    cursor = page.cursor;
    if (cursor === undefined) return pages;
  }
};

test("requests that the index holds are read by id, in pages and by label as those with items of their own", async () => {
  const random = createSeededRandom(4);
  const requests = createRequests(random, 40);
  const [separate, indexed] = [createRecordsFixture(), createRecordsFixture({ appends: true })];
  for (const request of requests)
    for (const { recorder } of [separate, indexed]) expect(await recorder.record(request)).toBe("written");
  for (const { id, rows } of requests)
    for (const row of [0, rows.length - 1, rows.length]) {
      const record = await separate.reader.prediction(`${id}.${row}`);
      expect(await indexed.reader.prediction(`${id}.${row}`)).toEqual(record);
      expect(record === undefined).toBe(row === rows.length);
    }
  for (const limit of [4, 100])
    for (const label of [undefined, "churn", "__proto__", "unknown"])
      expect(await collectPages(indexed.reader, limit, label)).toEqual(
        await collectPages(separate.reader, limit, label),
      );
});

test("a small request whose id has its time of arrival is one item, any other has one more", async () => {
  const at = start;
  const uuid = createUuidV7(at, "00000000-0000-4000-8000-000000000000");
  const countItems = async (request: PredictedRequest): Promise<readonly number[]> => {
    const { recorder, store } = createRecordsFixture({ appends: true });
    await recorder.record(request);
    const count = async (partition: string) =>
      (await store.page({ partition, order: "ascending", limit: 9 })).items.length;
    return [await count("predictions#prod#churn"), await count(`prediction#prod#churn#${request.id}`)];
  };
  expect(await countItems(createLabelledRows(["stay"], { at, id: uuid }))).toEqual([1, 0]);
  expect(await countItems(createLabelledRows(["stay"], { at: at + 1, id: uuid }))).toEqual([1, 1]);
  expect(await countItems(createLabelledRows(["stay"], { at, id: "request-1" }))).toEqual([1, 1]);
  const rows = [{ text: "x".repeat(4_000) }];
  expect(await countItems(createLabelledRows(["stay"], { at, id: uuid, rows }))).toEqual([1, 1]);
});
