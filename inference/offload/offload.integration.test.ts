import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createApp } from "#inference/app.ts";
import type { App } from "#inference/http/app.ts";
import { type LoadedModel, loadModel } from "#inference/model/load-model.ts";
import { createUuidV7 } from "#inference/records/uuid-v7.ts";
import type { ModelIdentity } from "#inference/run-prediction.ts";
import { createService } from "#inference/service.ts";
import type { RequestMetrics } from "#platform/metrics/metrics.ts";
import { buildValidRequests, type ServiceRequest } from "#test/support/hostile-requests.ts";
import { createAppClient } from "#test/support/http/app-client.ts";
import { readChurnGolden, readChurnManifest } from "#test/support/onnx/churn-folder.ts";
import { createRecordsFixture } from "#test/support/records-fixture.ts";
import { countRowValues } from "./count-row-values.ts";
import { createOffloadProcess, defaultOffloadProcessLimits } from "./create-offload-process.ts";
import { createOffload } from "./offload.ts";

const folder = fileURLToPath(new URL("../../models/churn", import.meta.url));
const recordsFixture = createRecordsFixture();
recordsFixture.time.now = Date.now();
let model: LoadedModel;
let identity: ModelIdentity;
let reported: RequestMetrics[] = [];
const logged: string[] = [];
const stops: (() => void)[] = [];

beforeAll(async () => {
  const onnx = await readFile(`${folder}/model.onnx`);
  const digest = Buffer.from(await crypto.subtle.digest("SHA-256", onnx)).toString("hex");
  model = await loadModel({ manifest: readChurnManifest(), model: { bytes: onnx } });
  identity = {
    model: "churn",
    version: 3,
    digest: `sha256:${digest}`,
    environment: "prod",
    functionVersion: "7",
  };
});
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});
afterAll(() => model.release());

const startOffloadProcess = (limits = defaultOffloadProcessLimits, changes: Partial<ModelIdentity> = {}) => {
  const offloadProcess = createOffloadProcess({
    start: {
      folder,
      identity: { ...identity, ...changes },
      manifest: model.manifest,
      hashKey: Buffer.alloc(32).toString("base64"),
    },
    storage: { store: recordsFixture.store, blobs: recordsFixture.blobs },
    report: (metrics) => reported.push(metrics),
    log: (line) => logged.push(line),
    limits,
  });
  stops.push(offloadProcess.stop);
  return offloadProcess;
};
const createTestApp = (
  offloadProcess?: Parameters<typeof createOffload>[0],
  options: Partial<Parameters<typeof createOffload>[1]> = {},
  served = model,
): App => {
  const service = createService({
    model: served,
    identity,
    now: Date.now,
    tick: () => 0,
    newId: () => createUuidV7(Date.now(), crypto.randomUUID()),
    report: (metrics) => reported.push(metrics),
    log: (line) => logged.push(line),
    records: { recorder: recordsFixture.recorder, reader: recordsFixture.reader },
  });
  return createApp(
    service,
    undefined,
    offloadProcess &&
      createOffload(offloadProcess, {
        row: countRowValues(model.manifest),
        scan: (body) => model.columns?.scan(body, { text: true }),
        ...options,
      }),
  );
};

const sendRequest = async (app: App, { method, path, headers, body }: ServiceRequest) => {
  const sent = method === "GET" ? {} : { body: Buffer.from(body) };
  const response = await createAppClient(app).request(path, { method, headers, ...sent });
  const named = Object.fromEntries(response.headers);
  const bytes = Buffer.from(await response.arrayBuffer());
  // Compressed responses with different ids differ, so compare them uncompressed.
  const plain = named["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes;
  return { status: response.status, headers: named, body: plain.toString("latin1") };
};
type TestResponse = Awaited<ReturnType<typeof sendRequest>>;

/** Removes ids and times; everything else must be equal. */
const comparable = ({ status, headers, body }: TestResponse) => {
  const { "x-request-id": _, "x-prediction-id": id = "no id", ...rest } = headers;
  return {
    status,
    headers: rest,
    body: body
      .replaceAll(id, "<id>")
      .replace(/"latencyMs":[\d.]+/, '"latencyMs":0')
      .replace(/"createdAt":"[^"]+"/, '"createdAt":""'),
  };
};

const golden = readChurnGolden().rows;
const rows = (count: number) => Array.from({ length: count }, (_, at) => golden[at % golden.length] ?? {});
const json = { "content-type": "application/json" };
const predict = (body: string | Uint8Array, headers: Record<string, string> = json): ServiceRequest => ({
  method: "POST",
  path: "/v1/predict",
  headers,
  body: Buffer.from(body),
});
const large = JSON.stringify({ rows: rows(400) });

/** Requests that the service refuses at different points. */
const refusedRequests: readonly ServiceRequest[] = [
  predict(large.slice(0, -5)),
  predict(large.replace('"rows":', '"rows":[],"rows":')),
  predict(large.replace(/"tenure":\d+/, '"tenure":-1')),
  predict(JSON.stringify({ rows: [{ nonsense: "a".repeat(100_000) }] })),
  predict(`{"rows":[${"{},".repeat(20_000)}{}]}`),
  predict(`[${"[".repeat(50_000)}`),
  predict(Buffer.concat([Buffer.from(large), Buffer.from([0xff])])),
  predict(large, { "content-type": "text/plain" }),
  predict(large, { ...json, "content-encoding": "gzip" }),
  predict(gzipSync(large), { ...json, "content-encoding": "gzip" }),
  predict(gzipSync(Buffer.alloc(7_000_000, " ")), { ...json, "content-encoding": "gzip" }),
  { ...predict(large), path: "/v2/models/other/infer" },
  { ...predict(large), path: "/v2/models/churn/infer" },
  { ...predict(large), path: "/endpoints/other/invocations" },
  { ...predict(large), path: "/invocations" },
  predict(large, { ...json, "accept-encoding": "gzip", "x-request-id": "mine" }),
];

test("the process returns the same responses and refusals as the service itself, byte for byte", async () => {
  const localApp = createTestApp();
  const offloadProcess = startOffloadProcess();
  const offloadedApp = createTestApp(offloadProcess, { which: "all" });
  const requests = [...buildValidRequests(rows(2)), ...buildValidRequests(rows(400)), ...refusedRequests];
  for (const request of requests.filter(({ method }) => method === "POST"))
    expect(comparable(await sendRequest(offloadedApp, request))).toEqual(
      comparable(await sendRequest(localApp, request)),
    );
  expect(offloadProcess.pid()).toBeTypeOf("number");
});

test("a large request is recorded and reported once, and small ones are not offloaded", async () => {
  const offloadProcess = startOffloadProcess();
  const app = createTestApp(offloadProcess);
  const before = (await recordsFixture.reader.list({ limit: 1 })).total;
  reported = [];
  expect((await sendRequest(app, predict(JSON.stringify({ rows: rows(3) })))).status).toBe(200);
  expect(offloadProcess.pid()).toBeUndefined();
  const response = await sendRequest(app, predict(large));
  expect(response.status).toBe(200);
  expect(offloadProcess.pid()).toBeTypeOf("number");
  expect((await recordsFixture.reader.list({ limit: 1 })).total).toBe(before + 403);
  const id = response.headers["x-prediction-id"];
  expect((await recordsFixture.reader.prediction(`${id}.399`))?.inputs).toEqual(rows(400)[399]);
  expect(reported.map(({ failed, version, scores }) => [failed, version, scores?.length])).toEqual([
    [false, "7", 3],
    [false, "7", 20],
  ]);
});

test("a small gzip body with large content is offloaded", async () => {
  const offloadProcess = startOffloadProcess();
  const app = createTestApp(offloadProcess);
  const packed = { ...json, "content-encoding": "gzip" };
  expect((await sendRequest(app, predict(gzipSync(JSON.stringify({ rows: rows(1) })), packed))).status).toBe(
    200,
  );
  expect(offloadProcess.pid()).toBeUndefined();
  expect((await sendRequest(app, predict(gzipSync(large), packed))).status).toBe(200);
  expect(offloadProcess.pid()).toBeTypeOf("number");
});

const csv = { "content-type": "text/csv" };
const values = (count: number) => `{"rows":[${Array(count).fill('{"a":1}').join()}]}`;

test.each([
  ["JSON", predict(values(1_600))],
  ["packed JSON", predict(gzipSync(values(1_600)), { ...json, "content-encoding": "gzip" })],
  ["CSV", predict(`a,b\n${"1,2\n".repeat(1_600)}`, csv)],
  ["empty rows", predict(`{"rows":[${"{},".repeat(200)}{}]}`)],
  ["empty rows as CSV", predict(`a\n${"\n".repeat(200)}`, csv)],
  [
    "empty rows that claim to be tensors",
    predict(`{"rows":[${"{},".repeat(200)}{}]}`, { ...json, "inference-header-content-length": "1" }),
  ],
])("a body with more than 3,072 values is offloaded, even with few bytes: %s", async (_, request) => {
  const offloadProcess = startOffloadProcess();
  expect((await sendRequest(createTestApp(offloadProcess), request)).status).toBeGreaterThanOrEqual(400);
  expect(offloadProcess.pid()).toBeTypeOf("number");
});

test.each([
  ["BOOL", 1],
  ["UINT8", 1],
  ["FP16", 2],
  ["FP32", 4],
])("the values of a %s tensor are counted by their size", async (datatype, bytes) => {
  const head = JSON.stringify({ inputs: [{ name: "x", shape: [1], datatype }] });
  const infer = (values: number): ServiceRequest => ({
    ...predict(Buffer.concat([Buffer.from(head), Buffer.alloc(values * bytes)])),
    headers: { "inference-header-content-length": `${head.length}` },
    path: "/v2/models/churn/infer",
  });
  const offloadProcess = startOffloadProcess();
  const app = createTestApp(offloadProcess);
  await sendRequest(app, infer(2_900));
  expect(offloadProcess.pid()).toBeUndefined();
  await sendRequest(app, infer(3_100));
  expect(offloadProcess.pid()).toBeTypeOf("number");
});

test("the elements of predictions count: a short request with large tensors is offloaded", async () => {
  const offloadProcess = startOffloadProcess();
  const small = createTestApp(offloadProcess, { row: { ...countRowValues(model.manifest), outputs: 100 } });
  expect((await sendRequest(small, predict(JSON.stringify({ rows: rows(1) })))).status).toBe(200);
  expect(offloadProcess.pid()).toBeUndefined();
  const large = createTestApp(offloadProcess, { row: { ...countRowValues(model.manifest), outputs: 4_000 } });
  expect((await sendRequest(large, predict(JSON.stringify({ rows: rows(1) })))).status).toBe(200);
  expect(offloadProcess.pid()).toBeTypeOf("number");
});

test("the lists of a nested array are elements of a row, not rows", async () => {
  const offloadProcess = startOffloadProcess();
  const image = Array.from({ length: 40 }, () => Array.from({ length: 40 }, () => 1));
  const app = createTestApp(offloadProcess, { row: { inputs: 1_600, hasArrays: true, outputs: 10 } });
  const response = await sendRequest(app, predict(JSON.stringify({ rows: [{ image }] })));
  // The model is another one; what counts is where it was refused.
  expect(response.status).toBe(422);
  expect(offloadProcess.pid()).toBeUndefined();
  const twice = predict(JSON.stringify({ rows: [{ image }, { image }] }));
  expect((await sendRequest(app, twice)).status).toBe(422);
  expect(offloadProcess.pid()).toBeTypeOf("number");
});

test("rows that the scan reads are offloaded from as many values on as others, and are scanned once", async () => {
  const { columns } = model;
  if (!columns) throw new Error("the model has no path through columns");
  const offloaded: number[] = [];
  let scans = 0;
  let scansOfRoute = 0;
  const scan = (body: Uint8Array) => {
    scans += 1;
    return columns.scan(body, { text: true });
  };
  const counted: LoadedModel = {
    ...model,
    columns: {
      ...columns,
      scan: (body, needs) => {
        scansOfRoute += 1;
        return columns.scan(body, needs);
      },
    },
  };
  const row = countRowValues(model.manifest);
  const handle = async (_: unknown, body: Uint8Array) => {
    offloaded.push(JSON.parse(Buffer.from(body).toString()).rows.length);
    return { status: 200, headers: {}, body: "" };
  };
  const app = createTestApp({ handle }, { scan }, counted);
  const most = Math.floor(3_072 / row.inputs);
  // So short that their bytes are no reason.
  const lengths = rows(golden.length).map((one) => JSON.stringify(one).length);
  const shortest = golden[lengths.indexOf(Math.min(...lengths))];
  for (const count of [1, most, most + 1])
    await sendRequest(app, predict(JSON.stringify({ rows: Array(count).fill(shortest) })));
  expect(offloaded).toEqual([most + 1]);
  expect([scans, scansOfRoute]).toEqual([3, 0]);
});

test("140 rows with 19 inputs are not offloaded: they have less than 3,072 values", async () => {
  const offloadProcess = startOffloadProcess();
  expect(
    (await sendRequest(createTestApp(offloadProcess), predict(JSON.stringify({ rows: rows(140) })))).status,
  ).toBe(200);
  expect(offloadProcess.pid()).toBeUndefined();
});

test("a process without a response is killed at the deadline, and the next request gets a new one", async () => {
  const offloadProcess = startOffloadProcess({ ...defaultOffloadProcessLimits, deadlineMs: 3_000 });
  const app = createTestApp(offloadProcess);
  expect((await sendRequest(app, predict(large))).status).toBe(200);
  const pid = offloadProcess.pid() ?? 0;
  process.kill(pid, "SIGSTOP");
  reported = [];
  const lateResponse = await sendRequest(app, predict(large));
  expect([lateResponse.status, JSON.parse(lateResponse.body).type]).toEqual([
    504,
    "urn:slipway:problem:deadline-exceeded",
  ]);
  expect(reported.map(({ failed }) => failed)).toEqual([true]);
  expect((await sendRequest(app, predict(large))).status).toBe(200);
  expect(offloadProcess.pid()).not.toBe(pid);
});

test("a process above its memory limit is killed, and the next request gets a new one", async () => {
  // Node alone needs more than that.
  const offloadProcess = startOffloadProcess({ ...defaultOffloadProcessLimits, residentMb: 40 });
  const app = createTestApp(offloadProcess);
  reported = [];
  const stopped = await sendRequest(app, predict(JSON.stringify({ rows: rows(9_000) })));
  expect([stopped.status, JSON.parse(stopped.body).type]).toEqual([504, "urn:slipway:problem:run-stopped"]);
  expect(reported.map(({ failed }) => failed)).toEqual([true]);
  expect(offloadProcess.pid()).toBeUndefined();
});

test("a process that dies fails only its current request", async () => {
  const offloadProcess = startOffloadProcess();
  const app = createTestApp(offloadProcess);
  expect((await sendRequest(app, predict(large))).status).toBe(200);
  const pid = offloadProcess.pid() ?? 0;
  process.kill(pid, "SIGSTOP");
  const [first, second] = [sendRequest(app, predict(large)), sendRequest(app, predict(large))];
  await new Promise((resolve) => setImmediate(resolve));
  process.kill(pid, "SIGKILL");
  expect([(await first).status, (await second).status]).toEqual([500, 200]);
});

test("large requests above the waiting limit get the seconds until they may retry", async () => {
  const offloadProcess = startOffloadProcess({ ...defaultOffloadProcessLimits, waiting: 1 });
  const app = createTestApp(offloadProcess);
  const answers = await Promise.all([1, 2, 3].map(() => sendRequest(app, predict(large))));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
  expect(answers[2]?.headers["retry-after"]).toMatch(/^[1-9]\d*$/);
});

test("requests that were answered take no room from those that come later", async () => {
  const body = Buffer.from(large).length;
  const offloadProcess = startOffloadProcess({
    ...defaultOffloadProcessLimits,
    waitingBytes: Math.floor(2.5 * body),
  });
  const app = createTestApp(offloadProcess);
  for (let round = 0; round < 4; round++) {
    const answers = await Promise.all([1, 2].map(() => sendRequest(app, predict(large))));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  }
});

test("a folder that changed since its model was opened is refused, and no other model predicts", async () => {
  const offloadProcess = startOffloadProcess(defaultOffloadProcessLimits, {
    digest: `sha256:${"0".repeat(64)}`,
  });
  const response = await sendRequest(createTestApp(offloadProcess), predict(large));
  expect([response.status, response.headers["retry-after"]]).toEqual([503, "1"]);
  expect(logged.at(-1)).toMatch(/has changed since its model was opened/);
});
