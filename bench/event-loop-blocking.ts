import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { HttpRequest } from "#inference/http/http-request.ts";
import { defaultOffloadThreshold } from "#inference/offload/offload.ts";
import { serveModel } from "#inference/serve-model.ts";
import { countJsonTokens } from "#model-folder/rows/count-json-tokens.ts";
import { createFileBlobs } from "#platform/blobs/files.ts";
import { openDatabase } from "#platform/store/open-database.ts";
import { createSqliteStore } from "#platform/store/sqlite.ts";

const names = ["churn", "transit-time", "review-sentiment"] as const;
const json = "application/json";
const csv = "text/csv";

type Body = {
  readonly what: string;
  readonly model: (typeof names)[number];
  readonly type: typeof json | typeof csv;
  readonly text: string;
  /** The expected status: a body that is refused for another reason measures nothing. */
  readonly status: number;
};

const models = fileURLToPath(new URL("../models/", import.meta.url));
const readGoldenRows = async (model: string): Promise<readonly Record<string, unknown>[]> =>
  JSON.parse(await readFile(join(models, model, "golden.json"), "utf8")).rows;

const toJson = (rows: readonly unknown[]): string => JSON.stringify({ rows });
const toCsv = (rows: readonly Record<string, unknown>[]): string =>
  [
    Object.keys(rows[0] ?? {}).join(),
    ...rows.map((row) => Object.values(row).map((cell) => JSON.stringify(cell ?? ""))),
  ].join("\n");

/** Repeats `rows` up to the largest body (made by `text`) that the event loop itself handles. */
const fillBody = <Row>(
  rows: readonly Row[],
  text: (rows: readonly Row[]) => string,
  { texts = false } = {},
): string => {
  const maxBytes =
    text === toJson && !texts ? defaultOffloadThreshold.bytes : defaultOffloadThreshold.otherBytes;
  const bodyRows: Row[] = [];
  for (let last = ""; ; ) {
    const row = rows[bodyRows.length % rows.length];
    if (row === undefined) return last;
    bodyRows.push(row);
    const next = text(bodyRows);
    const bytes = Buffer.from(next);
    const values = text === toJson ? countJsonTokens(bytes).marks : next.split(/[,\n]/).length - 1;
    if (bytes.length > maxBytes || values > defaultOffloadThreshold.values) return last;
    last = next;
  }
};

/** The largest bodies that a model's event loop handles (inference/offload/offload.ts), and the slowest of their size. */
const buildBodies = async (): Promise<readonly Body[]> => {
  const churn = await readGoldenRows("churn");
  const reviews = await readGoldenRows("review-sentiment");
  const transit = await readGoldenRows("transit-time");
  // An object with one value has two tokens (countJsonTokens).
  const objects = Array.from(
    { length: defaultOffloadThreshold.values / 2 - 10 },
    (_, at) => `{"k${at % 1_000}":1}`,
  ).join();
  const rounded = transit.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Math.round(Number(value))])),
  );
  return [
    { what: "rows of churn", model: "churn", type: json, text: fillBody(churn, toJson), status: 200 },
    { what: "rows of churn", model: "churn", type: csv, text: fillBody(churn, toCsv), status: 200 },
    { what: "short rows", model: "transit-time", type: json, text: fillBody(rounded, toJson), status: 200 },
    { what: "short rows", model: "transit-time", type: csv, text: fillBody(rounded, toCsv), status: 200 },
    { what: "invalid rows", model: "churn", type: json, text: `{"rows":[${objects}]}`, status: 422 },
    {
      what: "a duplicate key",
      model: "churn",
      type: json,
      text: `{"rows":[${objects}],"a":1,"a":2}`,
      status: 400,
    },
    {
      what: "texts",
      model: "review-sentiment",
      type: json,
      text: fillBody(reviews, toJson, { texts: true }),
      status: 200,
    },
  ];
};

/** The longest time that `work` blocked the event loop, milliseconds. */
const measureLongestBlock = async (work: () => Promise<unknown>): Promise<number> => {
  let longest = 0;
  let last = performance.now();
  let watching = true;
  const turn = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (watching) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  watching = false;
  return Math.max(longest, performance.now() - last);
};

/**
 * How long bodies of the largest size that the event loop itself handles block it, with records in SQLite: one
 * measurement for each, which returns the longest block of one request in milliseconds.
 * @param folder for the records
 */
export const prepareBlockingMeasurements = async (folder: string) => {
  const database = openDatabase(join(folder, "blocking.db"));
  const place = {
    store: createSqliteStore({ database, clock: Date.now }),
    blobs: createFileBlobs({ folder: join(folder, "blobs") }),
  };
  let ids = 0;
  const serve = (model: Body["model"]) =>
    serveModel({
      folder: join(models, model),
      identity: { environment: "stage", version: 0 },
      records: { storage: place, hashKey: new Uint8Array(32) },
      now: Date.now,
      tick: () => performance.now(),
      newId: () => `request-${ids++}`,
      report: () => undefined,
      log: (line) => console.error(line),
    });
  const served = new Map<string, Awaited<ReturnType<typeof serve>>>();
  for (const name of names) served.set(name, await serve(name));
  const measurements = (await buildBodies()).map(({ what, model, type, text, status }) => {
    const bytes = Buffer.from(text);
    const headers = new Map([
      ["content-type", type],
      ["content-length", `${bytes.length}`],
      ["host", "127.0.0.1"],
    ]);
    const request: HttpRequest = {
      method: "POST",
      path: "/v1/predict",
      query: "",
      header: (name) => headers.get(name),
      body: async () => bytes,
    };
    return [
      `event loop blocked: ${what}, ${Math.round(bytes.length / 1_024)} KB of ${type}`,
      () =>
        measureLongestBlock(async () => {
          const response = await served.get(model)?.app.handle(request);
          if (response?.status !== status)
            throw new Error(`${what}: status ${response?.status} instead of ${status}`);
        }),
    ] as const;
  });
  return {
    measurements,
    close: async () => {
      for (const { offloadProcess, release } of served.values()) {
        offloadProcess.stop();
        await release();
      }
      database.close();
    },
  };
};
