import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import type { RequestMetrics, UnreportedCall } from "#platform/metrics/metrics.ts";
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

const startHost = async ({
  idleMs,
  staysWarm = false,
  source,
  timeoutSeconds = 20,
  memoryMb = 256,
}: Options = {}) => {
  const image = await createScriptedFunction(source);
  const requests: RequestMetrics[] = [];
  const unreported: UnreportedCall[] = [];
  const lines: FunctionLogLine[] = [];
  const host = createFunctionHost({
    imageRoot: async () => image.root,
    metrics: {
      request: (metrics) => void requests.push(metrics),
      unreported: (lost) => void unreported.push(lost),
    },
    parseEmf: (line) => (line.startsWith("{") ? (JSON.parse(line) as RequestMetrics) : undefined),
    onLine: (line) => void lines.push(line),
    staysWarm: async () => staysWarm,
    clock: () => 1_000,
    requestId: () => crypto.randomUUID(),
    ...(idleMs !== undefined && { idleMs }),
  });
  undo.push(image.remove, host.stop);
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
  return { host, call, requests, unreported, lines, image };
};

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
const waitUntil = async (condition: () => boolean) => {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 500) throw new Error("the condition did not become true within 10 s");
    await new Promise((done) => setTimeout(done, 20));
  }
};

describe("the function host", () => {
  test("starts a function at its first call, and keeps it for the next", async () => {
    const { host, call } = await startHost();
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
    const { call } = await startHost();

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

  test("gives a function one request at a time", async () => {
    const { call, host } = await startHost();
    const results = await Promise.all(Array.from({ length: 20 }, () => call({ do: "overlap" })));
    const [pid] = host.processes();
    expect(results.map(({ payload }) => payload)).toEqual(Array(20).fill({ before: 0, pid }));
  });

  test.each([
    ["a large request", { body: "a".repeat(100_000) }],
    ["a compressed request", { body: "H4sI", headers: { "content-encoding": "gzip" } }],
  ])("handles other requests while %s keeps a process busy", async (_, large) => {
    const { call, host } = await startHost({ timeoutSeconds: 5 });
    const busy = call({ do: "hang", ...large });
    const failed = expect(busy).rejects.toThrow("the function timed out (limit 5 s)");
    const small = await Promise.all([call({ do: "echo" }), call({ do: "echo" })]);
    expect(small.map(({ payload }) => payload)).toEqual(
      Array(2).fill(expect.objectContaining({ version: "3" })),
    );
    expect(host.processes()).toHaveLength(2);
    await failed;
  });

  test("fails the call of a function that exits, counts the failure, and starts the function again for the next call", async () => {
    const { call, requests, unreported } = await startHost();
    await call({ do: "echo" });

    await expect(call({ do: "exit" })).rejects.toThrow(
      new FunctionFailed("the function ended with exit code 3"),
    );
    const next = await call({ do: "echo" });

    expect(next.initMs).toBeGreaterThan(0);
    // It could not report the call itself.
    expect(requests).toEqual([]);
    expect(unreported).toEqual([
      { environment: "prod", model: "churn", version: "3", at: 1_000, cause: "error" },
    ]);
  });

  test("tells the function whether its caller named the version or the alias, and counts only calls of the alias", async () => {
    const { call, unreported } = await startHost({
      source: `export const handler = async (event, { invokedFunctionArn }) => {
        if (event.do === "exit") process.exit(3);
        return invokedFunctionArn;
      };`,
    });
    const name = "arn:aws:lambda:eu-central-1:000000000000:function:slipway-prod-churn";
    expect((await call({})).payload).toBe(`${name}:live`);
    expect((await call({}, { byVersion: true })).payload).toBe(`${name}:3`);
    await expect(call({ do: "exit" }, { byVersion: true })).rejects.toThrow(FunctionFailed);
    expect(unreported).toEqual([]);
  });

  test("handles the calls that waited behind a call that ended the function", async () => {
    const { call } = await startHost();
    const results = await Promise.allSettled([
      call({ do: "echo" }),
      call({ do: "exit" }),
      call({ do: "echo" }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  test("kills a function that takes longer than its limit, even one that never yields", async () => {
    const { call, host } = await startHost({ timeoutSeconds: 1 });
    await call({ do: "echo" });
    const [pid = 0] = host.processes();

    await expect(call({ do: "hang" })).rejects.toThrow("the function timed out (limit 1 s)");
    await waitUntil(() => !isAlive(pid));
    await expect(call({ do: "echo" })).resolves.toMatchObject({ payload: { version: "3" } });
  });

  test("reports that a function ran out of memory", async () => {
    const { call } = await startHost({ memoryMb: 128 });
    await expect(call({ do: "allocate" })).rejects.toThrow("the function ran out of memory (limit 128 MB)");
  });

  test("counts native memory too: a function over its limit is killed, and the next call starts it again", async () => {
    const { call } = await startHost({ memoryMb: 128 });
    const refused = call({ do: "allocate-native" });
    await expect(refused).rejects.toThrow("the function ran out of memory (limit 128 MB)");
    await expect(call({ do: "echo" })).resolves.toMatchObject({ payload: { version: "3" } });
  });

  test.each<[what: string, bytes: Uint8Array, type: string]>([
    ["text", Buffer.from("é漢🦆".repeat(30_000)), "application/json"],
    ["text with a byte order mark", Buffer.from("\ufeffa,b\n"), "text/csv"],
    ["bytes that are declared as text", Buffer.from([0x61, 0xff, 0xfe]), "text/plain"],
    ["bytes", Buffer.alloc(100_000, 0xc3), "application/octet-stream"],
  ])("a body of bytes becomes the same event as the gateway makes of it: %s", async (_, bytes, type) => {
    const echo = `export const handler = async ({ body, isBase64Encoded }) =>
      ({ statusCode: 200, headers: { a: "b" }, body: JSON.stringify({ body, isBase64Encoded }) });`;
    const { call } = await startHost({ source: echo });
    const request = new Request("http://127.0.0.1/x", { method: "POST", headers: { "content-type": type } });
    const about = { model: "churn", requestId: "1", now: 0 };
    const { body, isBase64Encoded } = toHttpEvent(request, "/x", bytes, about);
    const payload = toHttpEvent(request, "/x", new Uint8Array(), about);
    const httpBody = { bytes, isText: isTextBody(request.headers), eventLimit: 6_000_000 };
    const response = await call(payload, { body: httpBody });
    // The response's body comes separately, as bytes.
    expect(response.payload).toEqual({ statusCode: 200, headers: { a: "b" } });
    expect(JSON.parse(Buffer.from(response.body ?? []).toString())).toEqual({ body, isBase64Encoded });
  });

  test("a function answers /health while one of its requests never ends", async () => {
    const { call } = await startHost({ timeoutSeconds: 60 });
    const { payload } = await call({});
    const endless = call({ do: "hang" }).catch((error: unknown) => error);
    const health = await call({ rawPath: "/models/churn/health" });
    // Another process responds, because the first one is busy.
    expect(health.payload).toMatchObject({ version: "3" });
    expect(health.payload).not.toMatchObject({ pid: (payload as { pid: number }).pid });
    await undo.pop()?.();
    expect(await endless).toBeInstanceOf(FunctionFailed);
  });

  test("an event that is too large as JSON is refused by its function's process, which takes the next", async () => {
    const { call, host } = await startHost();
    const withBody = (bytes: Uint8Array, isText = true) => ({ body: { bytes, isText, eventLimit: 100_000 } });
    // A quote is two bytes in JSON, and three bytes are four in base64.
    await expect(call({}, withBody(Buffer.alloc(60_000, '"')))).rejects.toThrow(EventTooLarge);
    await expect(call({}, withBody(Buffer.alloc(80_000, "a"), false))).rejects.toThrow(EventTooLarge);
    const [pid] = host.processes();
    expect(await call({}, withBody(Buffer.alloc(60_000, "a")))).toMatchObject({ payload: { pid } });
  });

  test("says why a function cannot be loaded", async () => {
    const { call, host } = await startHost({ source: "import './not-there.mjs';" });
    await expect(call({})).rejects.toThrow(/the function could not be loaded: .*not-there\.mjs/);
    expect(host.processes()).toEqual([]);
  });

  test("a missing image fails the call with FunctionFailed", async () => {
    const { call, image } = await startHost();
    await image.remove();
    await expect(call({})).rejects.toThrow(FunctionFailed);
  });

  test("records a request's metrics before its response, and logs other lines, truncated", async () => {
    const { call, requests, lines } = await startHost();
    const metrics = { version: "3", latencyMs: 1, failed: false };

    await call({ do: "print", lines: [JSON.stringify(metrics), "plain", "x".repeat(1_000_000)] });
    expect(requests).toEqual([metrics]);
    await waitUntil(() => lines.length === 3);

    const about = { environment: "prod", model: "churn", version: "3" };
    expect(lines).toContainEqual({ ...about, stream: "stdout", line: "plain" });
    expect(lines).toContainEqual({ ...about, stream: "stderr", line: "to stderr" });
    expect(Math.max(...lines.map(({ line }) => line.length))).toBe(4_000);
  });

  test("ends an idle version, and keeps the live version", async () => {
    const idle = await startHost({ idleMs: 30 });
    const live = await startHost({ idleMs: 30, staysWarm: true });
    // The functions return their ids, because on a busy machine the idle one may end before a search for it.
    const results = await Promise.all([idle.call({}), live.call({})]);
    const [idlePid = 0, livePid = 0] = results.map(({ payload }) => (payload as { pid: number }).pid);

    await waitUntil(() => !isAlive(idlePid));

    expect(idle.host.processes()).toEqual([]);
    expect(isAlive(livePid)).toBe(true);
    expect((await live.call({})).initMs).toBeUndefined();
  });

  test("stop ends all functions, fails running calls and refuses further calls", async () => {
    const { host, call } = await startHost();
    await call({});
    const [pid = 0] = host.processes();
    const running = call({ do: "hang" });
    const failed = expect(running).rejects.toThrow(FunctionFailed);

    await host.stop();

    await failed;
    expect(isAlive(pid)).toBe(false);
    await expect(call({})).rejects.toThrow("the function host has stopped");
  });

  test("functions end when their host is killed", async () => {
    const image = await createScriptedFunction();
    undo.push(image.remove);
    const program = `
      const { createFunctionHost } = await import(${JSON.stringify(new URL("./function-host.ts", import.meta.url).href)});
      const host = createFunctionHost({ imageRoot: async () => ${JSON.stringify(image.root)}, metrics: { request() {}, unreported() {} },
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
    expect(isAlive(pid)).toBe(true);

    parent.kill("SIGKILL");

    await waitUntil(() => !isAlive(pid));
  });
});
