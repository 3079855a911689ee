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
import { createOffloadProcess, defaultOffloadProcessLimits } from "./create-offload-process.ts";
import { createOffload } from "./offload.ts";

const folder = fileURLToPath(new URL("../../models/churn", import.meta.url));
const kept = createRecordsFixture();
kept.time.now = Date.now();
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

const elsewhereWith = (limits = defaultOffloadProcessLimits, changes: Partial<ModelIdentity> = {}) => {
  const elsewhere = createOffloadProcess({
    start: {
      folder,
      identity: { ...identity, ...changes },
      manifest: model.manifest,
      hashKey: Buffer.alloc(32).toString("base64"),
    },
    place: { store: kept.store, blobs: kept.blobs },
    report: (metrics) => reported.push(metrics),
    log: (line) => logged.push(line),
    limits,
  });
  stops.push(elsewhere.stop);
  return elsewhere;
};
const appOf = (
  elsewhere?: Parameters<typeof createOffload>[0],
  options: Partial<Parameters<typeof createOffload>[1]> = {},
): App => {
  const service = createService({
    model,
    identity,
    now: Date.now,
    tick: () => 0,
    newId: () => createUuidV7(Date.now(), crypto.randomUUID()),
    report: (metrics) => reported.push(metrics),
    log: (line) => logged.push(line),
    records: { recorder: kept.recorder, reader: kept.reader },
  });
  return createApp(
    service,
    undefined,
    elsewhere && createOffload(elsewhere, { inputs: model.manifest.inputs.length, ...options }),
  );
};

const ask = async (app: App, { method, path, headers, body }: ServiceRequest) => {
  const sent = method === "GET" ? {} : { body: Buffer.from(body) };
  const response = await createAppClient(app).request(path, { method, headers, ...sent });
  const named = Object.fromEntries(response.headers);
  const bytes = Buffer.from(await response.arrayBuffer());
  // Packed, two ids give two answers.
  const plain = named["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes;
  return { status: response.status, headers: named, body: plain.toString("latin1") };
};
type Answered = Awaited<ReturnType<typeof ask>>;

/** Ids and times are of each answer; all else has to be equal. */
const comparable = ({ status, headers, body }: Answered) => {
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

/** Requests that are refused, each at another point of its way through the service. */
const refused: readonly ServiceRequest[] = [
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

test("answers and refusals of the process are those of the service itself, byte for byte", async () => {
  const here = appOf();
  const elsewhere = elsewhereWith();
  const there = appOf(elsewhere, { which: "all" });
  const requests = [...buildValidRequests(rows(2)), ...buildValidRequests(rows(400)), ...refused];
  for (const request of requests.filter(({ method }) => method === "POST"))
    expect(comparable(await ask(there, request))).toEqual(comparable(await ask(here, request)));
  expect(elsewhere.pid()).toBeTypeOf("number");
});

test("a large request is recorded and reported once, and small ones stay where they are", async () => {
  const elsewhere = elsewhereWith();
  const app = appOf(elsewhere);
  const before = (await kept.reader.list({ limit: 1 })).total;
  reported = [];
  expect((await ask(app, predict(JSON.stringify({ rows: rows(3) })))).status).toBe(200);
  expect(elsewhere.pid()).toBeUndefined();
  const answered = await ask(app, predict(large));
  expect(answered.status).toBe(200);
  expect(elsewhere.pid()).toBeTypeOf("number");
  expect((await kept.reader.list({ limit: 1 })).total).toBe(before + 403);
  const id = answered.headers["x-prediction-id"];
  expect((await kept.reader.prediction(`${id}.399`))?.inputs).toEqual(rows(400)[399]);
  expect(reported.map(({ failed, version }) => [failed, version])).toEqual([
    [false, "7"],
    [false, "7"],
  ]);
});

test("a little gzip of much is unpacked elsewhere", async () => {
  const elsewhere = elsewhereWith();
  const app = appOf(elsewhere);
  const packed = { ...json, "content-encoding": "gzip" };
  expect((await ask(app, predict(gzipSync(JSON.stringify({ rows: rows(1) })), packed))).status).toBe(200);
  expect(elsewhere.pid()).toBeUndefined();
  expect((await ask(app, predict(gzipSync(large), packed))).status).toBe(200);
  expect(elsewhere.pid()).toBeTypeOf("number");
});

const csv = { "content-type": "text/csv" };
const values = (count: number) => `{"rows":[${Array(count).fill('{"a":1}').join()}]}`;

test.each([
  ["JSON", predict(values(1_600))],
  ["packed JSON", predict(gzipSync(values(1_600)), { ...json, "content-encoding": "gzip" })],
  ["CSV", predict(`a,b\n${"1,2\n".repeat(1_600)}`, csv)],
  ["rows of nothing", predict(`{"rows":[${"{},".repeat(200)}{}]}`)],
  ["rows of nothing as CSV", predict(`a\n${"\n".repeat(200)}`, csv)],
  [
    "rows of nothing that claim to be tensors",
    predict(`{"rows":[${"{},".repeat(200)}{}]}`, { ...json, "inference-header-content-length": "1" }),
  ],
])("of more than 3,072 values a body goes elsewhere, however few bytes they are: %s", async (_, request) => {
  const elsewhere = elsewhereWith();
  expect((await ask(appOf(elsewhere), request)).status).toBeGreaterThanOrEqual(400);
  expect(elsewhere.pid()).toBeTypeOf("number");
});

test.each([
  ["BOOL", 1],
  ["UINT8", 1],
  ["FP16", 2],
  ["FP32", 4],
])("as many %s of a tensor as stay are counted by their size", async (datatype, bytes) => {
  const head = JSON.stringify({ inputs: [{ name: "x", shape: [1], datatype }] });
  const infer = (values: number): ServiceRequest => ({
    ...predict(Buffer.concat([Buffer.from(head), Buffer.alloc(values * bytes)])),
    headers: { "inference-header-content-length": `${head.length}` },
    path: "/v2/models/churn/infer",
  });
  const elsewhere = elsewhereWith();
  const app = appOf(elsewhere);
  await ask(app, infer(2_900));
  expect(elsewhere.pid()).toBeUndefined();
  await ask(app, infer(3_100));
  expect(elsewhere.pid()).toBeTypeOf("number");
});

test("some hundred rows of many inputs stay: they are no more than 3,072 values", async () => {
  const elsewhere = elsewhereWith();
  expect((await ask(appOf(elsewhere), predict(JSON.stringify({ rows: rows(140) })))).status).toBe(200);
  expect(elsewhere.pid()).toBeUndefined();
});

test("a process that does not answer is killed at the deadline, and the next request has a new one", async () => {
  const elsewhere = elsewhereWith({ ...defaultOffloadProcessLimits, deadlineMs: 3_000 });
  const app = appOf(elsewhere);
  expect((await ask(app, predict(large))).status).toBe(200);
  const pid = elsewhere.pid() ?? 0;
  process.kill(pid, "SIGSTOP");
  reported = [];
  const late = await ask(app, predict(large));
  expect([late.status, JSON.parse(late.body).type]).toEqual([504, "urn:slipway:problem:deadline-exceeded"]);
  expect(reported.map(({ failed }) => failed)).toEqual([true]);
  expect((await ask(app, predict(large))).status).toBe(200);
  expect(elsewhere.pid()).not.toBe(pid);
});

test("a process that takes more memory than it may is killed, and the next request has a new one", async () => {
  // Node alone takes more than that.
  const elsewhere = elsewhereWith({ ...defaultOffloadProcessLimits, residentMb: 40 });
  const app = appOf(elsewhere);
  reported = [];
  const stopped = await ask(app, predict(JSON.stringify({ rows: rows(9_000) })));
  expect([stopped.status, JSON.parse(stopped.body).type]).toEqual([504, "urn:slipway:problem:run-stopped"]);
  expect(reported.map(({ failed }) => failed)).toEqual([true]);
  expect(elsewhere.pid()).toBeUndefined();
});

test("a process that dies fails the request that it worked on and no other", async () => {
  const elsewhere = elsewhereWith();
  const app = appOf(elsewhere);
  expect((await ask(app, predict(large))).status).toBe(200);
  const pid = elsewhere.pid() ?? 0;
  process.kill(pid, "SIGSTOP");
  const [first, second] = [ask(app, predict(large)), ask(app, predict(large))];
  await new Promise((resolve) => setImmediate(resolve));
  process.kill(pid, "SIGKILL");
  expect([(await first).status, (await second).status]).toEqual([500, 200]);
});

test("more large requests than may wait are told when to come back", async () => {
  const elsewhere = elsewhereWith({ ...defaultOffloadProcessLimits, waiting: 1 });
  const app = appOf(elsewhere);
  const answers = await Promise.all([1, 2, 3].map(() => ask(app, predict(large))));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 503]);
  expect(answers[2]?.headers["retry-after"]).toBe("1");
});

test("a folder that changed since its model was opened answers nothing of another model", async () => {
  const elsewhere = elsewhereWith(defaultOffloadProcessLimits, { digest: `sha256:${"0".repeat(64)}` });
  const answered = await ask(appOf(elsewhere), predict(large));
  expect([answered.status, answered.headers["retry-after"]]).toEqual([503, "1"]);
  expect(logged.at(-1)).toMatch(/has changed since its model was opened/);
});
