import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import type { RequestMetrics } from "#platform/metrics/metrics.ts";
import { EventTooLarge, type FunctionCall } from "#platform/serving/functions.ts";
import { FunctionFailed } from "#platform/serving/serving.ts";
import type { Json } from "#platform/store/store.ts";
import { createScriptedFunction } from "#test/support/scripted-function.ts";
import { isTextBody, toHttpEvent } from "#worlds/embedded/gateway/http-event.ts";
import { createFunctionHost, type FunctionLogLine } from "./function-host.ts";

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

type Options = {
  idleMs?: number;
  staysWarm?: boolean;
  source?: string;
  timeoutSeconds?: number;
  memoryMb?: number;
};

const started = async ({
  idleMs,
  staysWarm = false,
  source,
  timeoutSeconds = 20,
  memoryMb = 256,
}: Options = {}) => {
  const plain = await createScriptedFunction(source);
  const requests: RequestMetrics[] = [];
  const lines: FunctionLogLine[] = [];
  const host = createFunctionHost({
    imageRoot: async () => plain.root,
    metrics: { request: (metrics) => void requests.push(metrics) },
    parseEmf: (line) => (line.startsWith("{") ? (JSON.parse(line) as RequestMetrics) : undefined),
    onLine: (line) => void lines.push(line),
    staysWarm: async () => staysWarm,
    clock: () => 1_000,
    requestId: () => crypto.randomUUID(),
    ...(idleMs !== undefined && { idleMs }),
  });
  undo.push(plain.remove, host.stop);
  const call = (payload: Json, over: Partial<FunctionCall> = {}) =>
    host.invoke({
      environment: "prod",
      model: "churn",
      version: {
        version: "3",
        config: { digest: "sha256:1", memoryMb, timeoutSeconds, variables: { SLIPWAY_MODEL: "churn" } },
      },
      payload,
      ...over,
    });
  return { host, call, requests, lines, plain };
};

const alive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
const until = async (condition: () => boolean) => {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 500) throw new Error("it did not come about within 10 s");
    await new Promise((done) => setTimeout(done, 20));
  }
};

describe("the function host", () => {
  test("starts a function with its first call alone, and keeps it for the next", async () => {
    const { host, call } = await started();
    expect(host.processes()).toEqual([]);

    const cold = await call({ do: "echo" });
    const warm = await call({ do: "echo" });

    expect(cold.initMs).toBeGreaterThan(0);
    expect(warm.initMs).toBeUndefined();
    expect(warm.payload).toMatchObject({ pid: host.processes()[0], version: "3" });
  });

  test("gives a function its own variables and nothing of the host's environment but PATH", async () => {
    process.env.SLIPWAY_TEST_SECRET = "hidden";
    undo.push(async () => delete process.env.SLIPWAY_TEST_SECRET);
    const { call } = await started();

    const { payload } = await call({ do: "environment" });

    expect(payload).toMatchObject({
      AWS_LAMBDA_FUNCTION_NAME: "slipway-prod-churn",
      AWS_LAMBDA_FUNCTION_VERSION: "3",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256",
      SLIPWAY_MODEL: "churn",
    });
    const known = /^(AWS_LAMBDA_.*|SLIPWAY_MODEL|PATH|TZ|LAMBDA_TASK_ROOT|NODE_CHANNEL_.*)$/;
    expect(Object.keys(payload ?? {}).filter((name) => !known.test(name))).toEqual([]);
  });

  test("gives a function one request at a time, however many arrive", async () => {
    const { call, host } = await started();
    const answers = await Promise.all(Array.from({ length: 20 }, () => call({ do: "overlap" })));
    const [pid] = host.processes();
    expect(answers.map(({ payload }) => payload)).toEqual(Array(20).fill({ before: 0, pid }));
  });

  test.each([
    ["a large request", { body: "a".repeat(100_000) }],
    ["a packed request", { body: "H4sI", headers: { "content-encoding": "gzip" } }],
  ])("answers others while %s keeps its function busy", async (_, large) => {
    const { call, host } = await started({ timeoutSeconds: 5 });
    const busy = call({ do: "hang", ...large });
    const failed = expect(busy).rejects.toThrow("the function timed out (limit 5 s)");
    const small = await Promise.all([call({ do: "echo" }), call({ do: "echo" })]);
    expect(small.map(({ payload }) => payload)).toEqual(
      Array(2).fill(expect.objectContaining({ version: "3" })),
    );
    expect(host.processes()).toHaveLength(2);
    await failed;
  });

  test("fails the call of a function that ends, counts it, and starts it again for the next", async () => {
    const { call, requests } = await started();
    await call({ do: "echo" });

    await expect(call({ do: "exit" })).rejects.toThrow(
      new FunctionFailed("the function ended with exit code 3"),
    );
    const next = await call({ do: "echo" });

    expect(next.initMs).toBeGreaterThan(0);
    expect(requests).toEqual([
      {
        environment: "prod",
        model: "churn",
        version: "3",
        at: 1_000,
        latencyMs: expect.any(Number),
        failed: true,
        labels: new Map(),
      },
    ]);
  });

  test("answers the calls that waited behind one that killed its function", async () => {
    const { call } = await started();
    const results = await Promise.allSettled([
      call({ do: "echo" }),
      call({ do: "exit" }),
      call({ do: "echo" }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  test("kills a function that takes longer than its limit, even one that never yields", async () => {
    const { call, host } = await started({ timeoutSeconds: 1 });
    await call({ do: "echo" });
    const [pid = 0] = host.processes();

    await expect(call({ do: "hang" })).rejects.toThrow("the function timed out (limit 1 s)");
    await until(() => !alive(pid));
    await expect(call({ do: "echo" })).resolves.toMatchObject({ payload: { version: "3" } });
  });

  test("names memory as the reason where a function used more than it has", async () => {
    const { call } = await started({ memoryMb: 128 });
    await expect(call({ do: "allocate" })).rejects.toThrow("the function ran out of memory (limit 128 MB)");
  });

  test("native memory counts as well: a function that takes all of it is killed, and the next call starts it again", async () => {
    const { call } = await started({ memoryMb: 128 });
    const refused = call({ do: "allocate-native" });
    await expect(refused).rejects.toThrow("the function ran out of memory (limit 128 MB)");
    await expect(call({ do: "echo" })).resolves.toMatchObject({ payload: { version: "3" } });
  });

  test.each<[what: string, bytes: Uint8Array, type: string]>([
    ["text", Buffer.from("é漢🦆".repeat(30_000)), "application/json"],
    ["text that begins with a mark of its order", Buffer.from("\ufeffa,b\n"), "text/csv"],
    ["bytes that are declared as text", Buffer.from([0x61, 0xff, 0xfe]), "text/plain"],
    ["bytes", Buffer.alloc(100_000, 0xc3), "application/octet-stream"],
  ])("a body that comes as bytes is the event's as the gateway makes it: %s", async (_, bytes, type) => {
    const echo = `export const handler = async ({ body, isBase64Encoded }) =>
      ({ statusCode: 200, headers: { a: "b" }, body: JSON.stringify({ body, isBase64Encoded }) });`;
    const { call } = await started({ source: echo });
    const request = new Request("http://127.0.0.1/x", { method: "POST", headers: { "content-type": type } });
    const about = { model: "churn", requestId: "1", now: 0 };
    const { body, isBase64Encoded } = toHttpEvent(request, "/x", bytes, about);
    const payload = toHttpEvent(request, "/x", new Uint8Array(), about);
    const carried = { bytes, isText: isTextBody(request.headers), eventLimit: 6_000_000 };
    const answered = await call(payload, { body: carried });
    // The answer's body comes apart, as bytes.
    expect(answered.payload).toEqual({ statusCode: 200, headers: { a: "b" } });
    expect(JSON.parse(Buffer.from(answered.body ?? []).toString())).toEqual({ body, isBase64Encoded });
  });

  test("how a function is, is answered while a request of it never ends", async () => {
    const { call } = await started({ timeoutSeconds: 60 });
    const { payload } = await call({});
    const endless = call({ do: "hang" }).catch((error: unknown) => error);
    const health = await call({ rawPath: "/models/churn/health" });
    // Answered by another process: that of the others is at work.
    expect(health.payload).toMatchObject({ version: "3" });
    expect(health.payload).not.toMatchObject({ pid: (payload as { pid: number }).pid });
    await undo.pop()?.();
    expect(await endless).toBeInstanceOf(FunctionFailed);
  });

  test("an event that is too large as JSON is refused by its function's process, which takes the next", async () => {
    const { call, host } = await started();
    const carried = (bytes: Uint8Array, isText = true) => ({ body: { bytes, isText, eventLimit: 100_000 } });
    // A quote is two bytes in JSON, and three bytes are four in base64.
    await expect(call({}, carried(Buffer.alloc(60_000, '"')))).rejects.toThrow(EventTooLarge);
    await expect(call({}, carried(Buffer.alloc(80_000, "a"), false))).rejects.toThrow(EventTooLarge);
    const [pid] = host.processes();
    expect(await call({}, carried(Buffer.alloc(60_000, "a")))).toMatchObject({ payload: { pid } });
  });

  test("says why a function cannot be loaded", async () => {
    const { call, host } = await started({ source: "import './not-there.mjs';" });
    await expect(call({})).rejects.toThrow(/the function could not be loaded: .*not-there\.mjs/);
    expect(host.processes()).toEqual([]);
  });

  test("a function's failure to find its image fails the call by name", async () => {
    const { call, plain } = await started();
    await plain.remove();
    await expect(call({})).rejects.toThrow(FunctionFailed);
  });

  test("hands a request's metrics on before its answer, other lines to the log, cut to size", async () => {
    const { call, requests, lines } = await started();
    const measured = { version: "3", latencyMs: 1, failed: false };

    await call({ do: "print", lines: [JSON.stringify(measured), "plain", "x".repeat(1_000_000)] });
    expect(requests).toEqual([measured]);
    await until(() => lines.length === 3);

    const about = { environment: "prod", model: "churn", version: "3" };
    expect(lines).toContainEqual({ ...about, stream: "stdout", line: "plain" });
    expect(lines).toContainEqual({ ...about, stream: "stderr", line: "to stderr" });
    expect(Math.max(...lines.map(({ line }) => line.length))).toBe(4_000);
  });

  test("ends a version that is idle, and keeps one that live names", async () => {
    const idle = await started({ idleMs: 30 });
    const live = await started({ idleMs: 30, staysWarm: true });
    // Told by the functions themselves: on a busy machine the idle one may have ended before it is looked for.
    const answers = await Promise.all([idle.call({}), live.call({})]);
    const [idlePid = 0, livePid = 0] = answers.map(({ payload }) => (payload as { pid: number }).pid);

    await until(() => !alive(idlePid));

    expect(idle.host.processes()).toEqual([]);
    expect(alive(livePid)).toBe(true);
    expect((await live.call({})).initMs).toBeUndefined();
  });

  test("stops with every function ended, takes no call after, and fails those under way", async () => {
    const { host, call } = await started();
    await call({});
    const [pid = 0] = host.processes();
    const underWay = call({ do: "hang" });
    const failed = expect(underWay).rejects.toThrow(FunctionFailed);

    await host.stop();

    await failed;
    expect(alive(pid)).toBe(false);
    await expect(call({})).rejects.toThrow("the function host has stopped");
  });

  test("a host that is killed takes its functions with it", async () => {
    const plain = await createScriptedFunction();
    undo.push(plain.remove);
    const program = `
      const { createFunctionHost } = await import(${JSON.stringify(new URL("./function-host.ts", import.meta.url).href)});
      const host = createFunctionHost({ imageRoot: async () => ${JSON.stringify(plain.root)}, metrics: { request() {} },
        parseEmf() {}, onLine() {}, staysWarm: async () => true, clock: Date.now, requestId: () => "r" });
      const config = { digest: "sha256:1", memoryMb: 256, timeoutSeconds: 9, variables: {} };
      await host.invoke({ environment: "prod", model: "m", version: { version: "1", config }, payload: {} });
      console.log(host.processes()[0]);`;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
      cwd: fileURLToPath(new URL("../../..", import.meta.url)),
    });
    const [printed] = await once(parent.stdout, "data");
    const pid = Number(String(printed));
    expect(alive(pid)).toBe(true);

    parent.kill("SIGKILL");

    await until(() => !alive(pid));
  });
});
