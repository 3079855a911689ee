import crypto from "node:crypto";
import { cp, symlink } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import * as z from "zod";
import type { RecordStorage } from "#inference/records/records.ts";
import { Golden } from "#model-folder/manifest/manifest.ts";
import { parseEmf } from "#platform/metrics/parse-emf.ts";
import { memoryBlobs } from "#test/support/memory-blobs.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import { readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { createSeededRandom } from "#test/support/seeded-random.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { writeRuntimeBundle } from "#test/support/write-bundle.ts";

type Handler = (event: unknown) => Promise<unknown>;

const HttpAnswer = z.object({
  statusCode: z.number(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
  isBase64Encoded: z.boolean(),
});

const golden = Golden.parse(readChurnGolden());
const concurrent = 16;
const rounds = 40;
const random = createSeededRandom(16);

/** Storage that answers after a few turns of the event loop, and so in another order than it was asked. */
const createSlowStorage = (): RecordStorage => {
  const { store } = memoryStore();
  const blobs = memoryBlobs();
  const later = async <T>(call: () => Promise<T>): Promise<T> => {
    for (let turns = Math.floor(random() * 9); turns > 0; turns--) await new Promise(setImmediate);
    return call();
  };
  return {
    store: {
      get: (key) => later(() => store.get(key)),
      page: (query) => later(() => store.page(query)),
      putAll: (entries) => later(() => store.putAll(entries)),
      add: (key, amounts, options) => later(() => store.add(key, amounts, options)),
    },
    blobs: {
      put: (key, bytes, options) => later(() => blobs.put(key, bytes, options)),
      get: (key) => later(() => blobs.get(key)),
    },
  };
};

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let handler: Handler;
let lines: string[] = [];
beforeAll(async () => {
  folder = await createTemporaryFolder();
  await writeRuntimeBundle(folder.path);
  const root = join(import.meta.dirname, "..");
  await cp(join(root, "models", "churn"), join(folder.path, "model"), { recursive: true });
  await symlink(join(root, "node_modules"), join(folder.path, "node_modules"));
  vi.stubEnv("MODEL_DIRECTORY", join(folder.path, "model"));
  vi.stubEnv("SLIPWAY_MODEL", "churn");
  vi.stubEnv("SLIPWAY_MODEL_VERSION", "3");
  vi.stubEnv("SLIPWAY_DIGEST", `sha256:${"a".repeat(64)}`);
  vi.stubEnv("SLIPWAY_ENVIRONMENT", "prod");
  const bundle: { handlerOn(storage: RecordStorage): Handler } = await import(
    pathToFileURL(join(folder.path, "index.mjs")).href
  );
  handler = bundle.handlerOn(createSlowStorage());
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    lines.push(String(chunk));
    return true;
  });
});
afterAll(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await folder.remove();
});
beforeEach(() => {
  lines = [];
});

const request = (method: string, path: string, body: string | Buffer, headers: Record<string, string>) => ({
  version: "2.0",
  rawPath: `/models/churn${path}`,
  rawQueryString: "",
  headers,
  requestContext: { http: { method, path } },
  body: typeof body === "string" ? body : body.toString("base64"),
  isBase64Encoded: typeof body !== "string",
});

/** Rows that only this request has: their number and their first row differ from request to request. */
const rowsOf = (at: number) =>
  Array.from({ length: 1 + at }, (_, row) => golden.rows[(at + row) % golden.rows.length]);

/** The `at`-th of 16 requests; together they use every protocol, and some are refused. */
const createEvent = (at: number): unknown => {
  const headers = {
    "content-type": "application/json",
    ...(at % 2 === 0 ? { "x-request-id": `caller-${at}` } : {}),
    ...(at % 3 === 0 ? { "accept-encoding": "gzip" } : {}),
  };
  const rows = rowsOf(at);
  const predict = JSON.stringify({ rows });
  switch (at % 8) {
    case 0:
    case 1:
      return request("POST", "/v1/predict", predict, headers);
    case 2:
      return request("POST", "/v1/predict", gzipSync(predict), { ...headers, "content-encoding": "gzip" });
    case 3:
      return request("POST", "/invocations", JSON.stringify({ dataframe_records: rows }), headers);
    case 4:
      return { rows };
    case 5: {
      const inputs = Object.keys(golden.rows[0] ?? {}).map((name) => {
        const data = rows.map((row) => row?.[name] ?? null);
        const datatype = typeof golden.rows[1]?.[name] === "string" ? "BYTES" : "FP64";
        return { name, shape: [rows.length], datatype, data };
      });
      return request("POST", "/v2/models/churn/infer", JSON.stringify({ id: `oip-${at}`, inputs }), headers);
    }
    case 6:
      return request(
        "POST",
        "/v1/predict",
        JSON.stringify({ rows: [...rows, { ...rows[0], tenure: -at }] }),
        headers,
      );
    default:
      return request("POST", `/v1/predict/${at}`, predict, headers);
  }
};
const events = Array.from({ length: concurrent }, (_, at) => createEvent(at));

const readText = ({ body, isBase64Encoded, headers }: z.infer<typeof HttpAnswer>): string => {
  const bytes = Buffer.from(body, isBase64Encoded ? "base64" : "utf8");
  return (headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes).toString("utf8");
};

/** The id of an answer's prediction; undefined for a refusal. */
const readPredictionId = (answer: unknown): string | undefined =>
  HttpAnswer.safeParse(answer).data?.headers["x-prediction-id"] ??
  z.object({ id: z.string() }).safeParse(answer).data?.id;

/** An answer without what no other answer has: times, and the ids that the function draws. */
const toComparable = (at: number, answer: unknown): string => {
  const http = HttpAnswer.safeParse(answer);
  const { "x-request-id": requestId, "x-prediction-id": _, ...headers } = http.data?.headers ?? {};
  if (at % 2 === 0 && http.success) expect(requestId).toBe(`caller-${at}`);
  const text = http.success ? readText(http.data) : JSON.stringify(answer);
  const fixed = text
    .replaceAll(readPredictionId(answer) ?? "no id", "<id>")
    .replace(/"latencyMs":[\d.]+/, '"latencyMs":0')
    .replace(/"createdAt":"[^"]+"/, '"createdAt":""');
  return JSON.stringify([at, http.data?.statusCode, headers, fixed]);
};

/** Reads the record of the last row of a prediction; undefined for a refusal. */
const readRecordedInputs = async (at: number, answer: unknown): Promise<unknown> => {
  const id = readPredictionId(answer);
  if (id === undefined) return undefined;
  const record = await handler(request("GET", `/v1/predictions/${id}.${at}`, "", {}));
  return z.object({ inputs: z.unknown() }).parse(JSON.parse(readText(HttpAnswer.parse(record)))).inputs;
};

/** The metric lines, without times and in one order: a line has no request's id. */
const takeMetrics = (): readonly string[] => {
  const metrics = lines
    .splice(0)
    .map((line) => parseEmf(line.trimEnd()))
    .map((parsed) => ({ ...parsed, at: 0, latencyMs: 0, labels: [...(parsed?.labels ?? [])].sort() }));
  return metrics.map((each) => JSON.stringify(each)).sort();
};

const shuffle = (order: readonly number[]): readonly number[] =>
  order
    .map((at) => [random(), at] as const)
    .sort(([one], [other]) => one - other)
    .map(([, at]) => at);

test("the initialization draws no id and no random number and opens no connection, so a snapshot of it can start many processes", async () => {
  vi.stubEnv("RECORDS_TABLE", "records");
  vi.stubEnv("RECORDS_BUCKET", "bucket");
  const drawn = [
    vi.spyOn(globalThis.crypto, "randomUUID"),
    vi.spyOn(globalThis.crypto, "getRandomValues"),
    vi.spyOn(crypto, "randomUUID"),
    vi.spyOn(crypto, "randomBytes"),
    vi.spyOn(Math, "random"),
    vi.spyOn(Socket.prototype, "connect"),
  ];
  const index = pathToFileURL(join(folder.path, "index.mjs")).href;
  const { handler: initialized }: { handler: Handler } = await import(`${index}?snapshot`);
  expect(initialized).toBeTypeOf("function");
  expect(drawn.map(({ mock }) => mock.calls.length)).toEqual(drawn.map(() => 0));
});

test("16 requests at once in one process get the answers, headers, metrics and records that each gets alone", async () => {
  const alone = new Map<number, { readonly answer: string; readonly metrics: readonly string[] }>();
  for (const at of events.keys()) {
    const answer = toComparable(at, await handler(events[at]));
    alone.set(at, { answer, metrics: takeMetrics() });
  }
  const ids = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    // Without a refused request the rows of all others run as one batch; with one, each request runs alone.
    const all =
      round % 2 === 0 ? [...events.keys()] : [...events.keys()].map((at) => at - (at % 8 > 5 ? 6 : 0));
    const answers = await Promise.all(
      shuffle(all).map(async (at) => ({ at, answer: await handler(events[at]) })),
    );
    expect(answers.map(({ at, answer }) => toComparable(at, answer))).toEqual(
      answers.map(({ at }) => alone.get(at)?.answer),
    );
    expect(takeMetrics()).toEqual(all.flatMap((at) => alone.get(at)?.metrics ?? []).sort());
    const predicted = answers.filter(({ answer }) => readPredictionId(answer) !== undefined);
    const idsBefore = ids.size;
    for (const { answer } of predicted) ids.add(readPredictionId(answer) ?? "");
    expect(ids.size).toBe(idsBefore + (round % 2 === 0 ? 12 : concurrent));
    const recorded = await Promise.all(predicted.map(({ at, answer }) => readRecordedInputs(at, answer)));
    expect(recorded).toEqual(predicted.map(({ at }) => rowsOf(at).at(-1)));
  }
});
