import { expect, test } from "vitest";
import type { Row } from "#model-folder/manifest/manifest.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { FunctionBusy, FunctionFailed, type Invocation, type Serving } from "#platform/serving/serving.ts";
import type { Json } from "#platform/store/store.ts";
import { replayCanary, replayLimits } from "./replay-canary.ts";

const promotedAt = Date.UTC(2026, 10, 1);
const limits = { errorPoints: 1, latencyP95: { ratio: 1.5, slackMs: 5 }, labelSharePoints: 10 };
type Stored = { readonly version: number; readonly inputs?: Row; readonly createdAt: string };
type Call = { readonly version: string; readonly rows: readonly Row[]; readonly replay: unknown };
type Predict = (call: Call) => { readonly label: string; readonly durationMs: number };

/** Rows of the champion, version 1, newest first. */
const store = (count: number, changes: (index: number) => Partial<Stored> = () => ({})): Stored[] =>
  Array.from({ length: count }, (_, index) => ({
    version: 1,
    inputs: { x: index },
    createdAt: new Date(promotedAt + (count - index) * 1_000).toISOString(),
    ...changes(index),
  }));

const setUp = (records: readonly Stored[], predict: Predict = () => ({ label: "stay", durationMs: 10 })) => {
  const calls: Call[] = [];
  const waits: number[] = [];
  let running = 0;
  let most = 0;
  let now = promotedAt;
  const serving: Pick<Serving, "invoke"> = {
    invoke: async (_model, qualifier, payload): Promise<Invocation> => {
      if (qualifier === "live") throw new Error("a replay never calls the alias");
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      const { version } = qualifier;
      const { rawQueryString, rows, replay } = payload as Record<string, Json>;
      if (rawQueryString !== undefined) {
        const from = Number(new URLSearchParams(String(rawQueryString)).get("cursor") ?? 0);
        const items = records.slice(from, from + 100);
        const cursor = from + 100 < records.length ? { cursor: String(from + 100) } : {};
        const body = JSON.stringify({ items, total: records.length, ...cursor });
        return {
          payload: { statusCode: 200, headers: {}, body, isBase64Encoded: false },
          version,
          durationMs: 1,
        };
      }
      const call = { version, rows: rows as Row[], replay };
      calls.push(call);
      const { label, durationMs } = predict(call);
      return { payload: { predictions: [{ label, scores: {} }], latencyMs: 1 }, version, durationMs };
    },
  };
  const replay = (inputs: "full" | "hashed" | "none" = "full") =>
    replayCanary({ serving, clock: () => now, wait: async (ms) => void waits.push(ms) })({
      model: "churn",
      champion: { functionVersion: "7", version: 1, promotedAt, startedAt: promotedAt - 1_000 },
      challenger: "9",
      manifests: [{ records: { inputs: "full", ttlDays: 30 } }, { records: { inputs, ttlDays: 30 } }],
      limits,
      labels: ["stay", "churn"],
    });
  return {
    replay,
    calls,
    waits,
    most: () => most,
    pass: (ms: number) => {
      now += ms;
    },
  };
};
const find = async (replayed: ReturnType<ReturnType<typeof setUp>["replay"]>, name: string) =>
  (await replayed).checks.find((check) => check.name === name);

test("every check of a replay says how many recorded rows it had, and that there was no live traffic", async () => {
  const { checks, omitted } = await setUp(store(60)).replay();
  expect(omitted).toEqual([]);
  expect(checks.map(({ name, verdict }) => `${name}: ${verdict}`)).toEqual([
    "replay errors: inconclusive",
    "replay latency p95: inconclusive",
    "replay labels: pass",
  ]);
  for (const { detail } of checks) expect(detail).toMatch(/^replay of 60 recorded rows, no live traffic: /);
});

test("both versions predict the same rows by their numbers as replays, one call at a time, with pauses, in turns", async () => {
  const world = setUp(store(6));
  await world.replay();
  expect(world.most()).toBe(1);
  expect(world.calls.every(({ replay, rows }) => replay === true && rows.length === 1)).toBe(true);
  const [, , ...measured] = world.calls;
  expect(measured.map(({ version, rows }) => `${version}:${rows[0]?.x}`)).toEqual([
    ...["7:0", "9:0", "9:1", "7:1", "7:2", "9:2", "9:3", "7:3", "7:4", "9:4", "9:5", "7:5"],
  ]);
  expect(world.waits).toHaveLength(6);
});

test("a slower challenger and changed labels are seen", async () => {
  const slow = setUp(store(300), ({ version, rows }) =>
    version === "9"
      ? { label: Number(rows[0]?.x) % 2 ? "churn" : "stay", durationMs: 40 }
      : { label: "stay", durationMs: 10 },
  );
  const replayed = slow.replay();
  expect(await find(replayed, "replay latency p95")).toMatchObject({ verdict: "fail", measured: 4 });
  expect(await find(replayed, "replay labels")).toMatchObject({
    verdict: "fail",
    measured: 50,
    detail: expect.stringContaining("150 labels changed (50 %)"),
  });
});

test("rows at which the challenger alone fails are errors; a failing champion ends the replay with the reason", async () => {
  const failsAt = (version: string) =>
    setUp(store(200), (call) => {
      if (call.version === version && Number(call.rows[0]?.x) >= 100)
        throw new FunctionFailed("a row: secret");
      return { label: "stay", durationMs: 10 };
    }).replay();
  expect(await find(failsAt("9"), "replay errors")).toMatchObject({ verdict: "fail", measured: 50 });
  expect(await failsAt("7")).toEqual({
    checks: [],
    omitted: [{ name: "replay", why: "not possible: FunctionFailed" }],
  });
});

test("nothing is replayed where one of the manifests keeps no inputs, and no record is read", async () => {
  for (const inputs of ["none", "hashed"] as const) {
    const world = setUp(store(10));
    expect(await world.replay(inputs)).toEqual({
      checks: [],
      omitted: [{ name: "replay", why: `no inputs are recorded (records.inputs: ${inputs})` }],
    });
    expect(world.most()).toBe(0);
  }
});

test("rows of other versions, of the time before the promotion, and without inputs are not replayed", async () => {
  const golden = { createdAt: new Date(promotedAt - 1).toISOString() };
  const world = setUp([
    ...store(3, (index) => (index === 0 ? { version: 2 } : {})),
    { version: 1, createdAt: new Date(promotedAt).toISOString() },
    ...store(5, () => golden),
  ]);
  await world.replay();
  expect(world.calls).toHaveLength(2 + 2 * 2);
  expect(await setUp([]).replay()).toMatchObject({
    omitted: [{ why: "prod has no recorded inputs since the champion's promotion" }],
  });
});

test("no more rows, bytes and pages than the limits are replayed", async () => {
  const many = setUp(store(1_000));
  await many.replay();
  expect(many.calls).toHaveLength(2 + 2 * replayLimits.rows);
  const large = setUp(store(50, () => ({ inputs: { text: "x".repeat(100_000) } })));
  await large.replay();
  expect(large.calls).toHaveLength(2 + 2 * 9);
  const foreign = setUp(store(1_000, (index) => ({ version: index < 600 ? 2 : 1 })));
  expect((await foreign.replay()).omitted).toHaveLength(1);
});

test("reading the recorded inputs ends with the replay's time, so that the step keeps its own", async () => {
  const serving = { invoke: () => new Promise<Invocation>(() => undefined) };
  let now = promotedAt;
  const clock = () => {
    now += 40_000;
    return now;
  };
  const replayed = await replayCanary({ serving, clock, wait: async () => undefined })({
    model: "churn",
    champion: { functionVersion: "7", version: 1, promotedAt, startedAt: promotedAt - 1_000 },
    challenger: "9",
    manifests: [{ records: { inputs: "full", ttlDays: 30 } }],
    limits,
    labels: ["stay", "churn"],
  });
  expect(replayed).toEqual({
    checks: [],
    omitted: [{ name: "replay", why: "reading the recorded inputs took too long" }],
  });
});

test("a replay ends after its time with what it has, and at once when the functions are busy", async () => {
  const slow = setUp(store(200), () => {
    slow.pass(1_000);
    return { label: "stay", durationMs: 1_000 };
  });
  const [check] = (await slow.replay()).checks;
  expect(check?.detail).toMatch(/^replay of 19 recorded rows/);
  for (const Busy of [FunctionBusy, TemporaryFault]) {
    const busy = setUp(store(200), ({ rows }) => {
      if (rows[0]?.x === 30) throw new Busy("too many requests");
      return { label: "stay", durationMs: 10 };
    });
    expect((await busy.replay()).checks[0]?.detail).toMatch(/^replay of 30 recorded rows/);
  }
});
