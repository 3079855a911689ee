import { afterEach, expect, test } from "vitest";
import type { RecordStorage } from "#inference/records/records.ts";
import { FunctionFailed } from "#platform/serving/serving.ts";
import type { Json } from "#platform/store/store.ts";
import { createRecordsFixture } from "#test/support/records-fixture.ts";
import { createScriptedFunction } from "#test/support/scripted-function.ts";
import { createFunctionHost } from "./function-host.ts";

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** A function that calls its records as its events say, and returns the results. */
const source = `
const encode = (value) => value instanceof Uint8Array ? { bytes: [...value] } : value ?? "nothing";
export const handler = async () => "without records";
export const handlerOn = (place) => async ({ to, call, args, bytes }) => {
  const values = bytes ? [args[0], new Uint8Array(bytes), args[1]] : args;
  try { return encode(await place[to][call](...values)); }
  catch (error) { return error.name + ": " + error.message; }
};`;

const start = async (place: RecordStorage | undefined, code = source) => {
  const image = await createScriptedFunction(code);
  const host = createFunctionHost({
    imageRoot: async () => image.root,
    metrics: { request: () => {}, unreported: () => {} },
    parseEmf: () => undefined,
    onLine: () => {},
    staysWarm: async () => false,
    clock: () => 1_000,
    requestId: () => crypto.randomUUID(),
    ...(place && { records: { place, hashKey: Buffer.alloc(32, 7).toString("base64") } }),
  });
  undo.push(image.remove, host.stop);
  return async (payload: Json) => {
    const config = { digest: "sha256:1", memoryMb: 256, timeoutSeconds: 20, variables: {} };
    const version = { version: "3", config };
    return (await host.invoke({ environment: "prod", model: "churn", version, payload })).payload;
  };
};

const key = (partition: string) => ({ partition, sort: "a" });

test("a function reads and writes its model's records in the host's storage", async () => {
  const { store, blobs, kept, time } = createRecordsFixture();
  const call = await start({ store, blobs });
  const index = key("predictions#prod#churn");
  const counts = key("prediction-counts#prod#churn");
  const blob = "records/keep-30-days/prod/churn/1-a.jsonl.zst";
  const expiresAt = Math.ceil(time.now / 1_000) + 60;

  await call({ to: "store", call: "putAll", args: [[{ key: index, value: { rows: 1 }, expiresAt }]] });
  await call({ to: "store", call: "add", args: [counts, { rows: 2 }, { expiresAt }] });
  await call({ to: "store", call: "add", args: [counts, { rows: 1 }] });
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  await call({ to: "blobs", call: "put", args: [blob, { contentType: "application/zstd" }], bytes });

  expect((await store.get(counts))?.value).toEqual({ rows: 3 });
  expect(kept.get(blob)).toEqual(Buffer.from(bytes));
  expect(await call({ to: "store", call: "get", args: [index] })).toMatchObject({ value: { rows: 1 } });
  const page = { partition: index.partition, order: "descending", limit: 5 };
  expect(await call({ to: "store", call: "page", args: [page] })).toMatchObject({ items: [{ key: index }] });
  expect(await call({ to: "blobs", call: "get", args: [blob] })).toEqual({ bytes });
  time.now += 120_000;
  expect(await call({ to: "store", call: "get", args: [index] })).toBe("nothing");
  expect(await call({ to: "blobs", call: "get", args: [blob.replace("1-a", "2-b")] })).toBe("nothing");
});

test("text of a function is stored only if it is JSON", async () => {
  const { store, blobs } = createRecordsFixture();
  const call = await start({ store, blobs });
  const index = key("predictions#prod#churn");
  const put = (json: string) => call({ to: "store", call: "putAll", args: [[{ key: index, json }]] });
  expect(await put('{"rows": 1}')).toBe("nothing");
  expect(await put('{"rows":')).toMatch(/^SyntaxError/);
  expect((await store.get(index))?.value).toEqual({ rows: 1 });
});

test("a function reaches only its model's records in store and blobs, and every other call fails", async () => {
  const { store, blobs } = createRecordsFixture();
  await store.put(key("claim#prod#churn"), "secret");
  const call = await start({ store, blobs });
  const refused: Json[] = [
    { to: "store", call: "get", args: [key("claim#prod#churn")] },
    { to: "store", call: "get", args: [key("predictions#prod#other")] },
    { to: "store", call: "get", args: [key("prediction#stage#churn#r1")] },
    { to: "store", call: "page", args: [{ partition: "claim#prod#churn", order: "ascending", limit: 1 }] },
    { to: "store", call: "putAll", args: [[{ key: key("claim#prod#churn"), value: 1 }]] },
    { to: "store", call: "add", args: [key("claim#prod#churn"), { rows: 1 }] },
    { to: "blobs", call: "get", args: ["records/keep-30-days/prod/other/1-a.jsonl.zst"] },
    { to: "blobs", call: "put", args: ["models/churn", { contentType: "a" }], bytes: [1] },
  ];
  for (const payload of refused) expect(await call(payload)).toMatch(/^RecordOutOfReach: /);
  for (const args of [[], [{ partition: 1 }], [key("x".repeat(500))]])
    expect(await call({ to: "store", call: "get", args })).toMatch(/^ZodError: /);
  const beyond = { partition: "predictions#prod#churn", order: "descending", limit: 5_000 };
  expect(await call({ to: "store", call: "page", args: [beyond] })).toMatch(/^RangeError: /);
  expect((await store.get(key("claim#prod#churn")))?.value).toBe("secret");
});

test("a function that exits during a record call fails only its own request", async () => {
  const { store, blobs } = createRecordsFixture();
  const ending = `export const handler = async () => 1;
    export const handlerOn = (place) => async ({ end }) => {
      if (end) { void place.store.get({ partition: "predictions#prod#churn", sort: "a" }); process.exit(3); }
      return "lives";
    };`;
  const call = await start({ store, blobs }, ending);
  await expect(call({ end: true })).rejects.toThrow(FunctionFailed);
  expect(await call({})).toBe("lives");
});

test("a function runs without records if the host keeps none or its image does not know them", async () => {
  const { store, blobs } = createRecordsFixture();
  expect(await (await start(undefined))({})).toBe("without records");
  expect(await (await start({ store, blobs }, 'export const handler = async () => "before";'))({})).toBe(
    "before",
  );
});
