import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, readFile, writeFile } from "node:fs/promises";
import { Agent, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { listDescendants, waitForExits } from "#test/support/process-tree.ts";
import { listAllRecords, predict, type Serve, startServe } from "#test/support/serve-processes.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { repositoryRoot, slipwayPath } from "./fixture.ts";

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
const running: Serve[] = [];
const agents: Agent[] = [];
beforeEach(async () => {
  folder = await createTemporaryFolder();
});
afterEach(async () => {
  for (const agent of agents.splice(0)) agent.destroy();
  for (const { child } of running.splice(0)) child.kill("SIGKILL");
  await folder.remove();
});

const golden = readChurnGolden().rows;
const start = async (
  args: readonly string[] = ["--workers", "2"],
  model = "models/churn",
): Promise<Serve> => {
  const serve = await startServe(model, ["--data", join(folder.path, "data"), ...args]);
  running.push(serve);
  return serve;
};

/** Sends requests one after the other on one connection, so that one worker responds to all of them. */
const openConnection = (url: string) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agents.push(agent);
  return async (count = 1): Promise<{ readonly status: number | undefined; readonly body: string }> => {
    const rows = Array.from({ length: count }, (_, at) => golden[at % golden.length]);
    const sent = request(`${url}/v1/predict`, {
      method: "POST",
      agent,
      headers: { "content-type": "application/json" },
    }).end(JSON.stringify({ rows }));
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    return { status: response.statusCode, body: await text(response) };
  };
};

const stop = async ({ child }: Serve, signal: NodeJS.Signals = "SIGTERM") => {
  const closed = once(child, "close");
  child.kill(signal);
  return await closed;
};

test("workers share one port, and the records of all are in one folder", async () => {
  const serve = await start();
  const connections = [openConnection(serve.url), openConnection(serve.url), openConnection(serve.url)];
  for (const send of connections) for (const rows of [1, 2, 300]) expect((await send(rows)).status).toBe(200);
  const { items, total } = await listAllRecords(serve.url);
  expect(total).toBe(3 * 303);
  expect(new Set(items.map(({ id }) => id)).size).toBe(total);
  for (const path of ["/ready", "/health", "/v1/model"])
    expect((await fetch(`${serve.url}${path}`)).status).toBe(200);
  expect(await stop(serve)).toEqual([0, null]);
});

test("when a worker is killed, only its connections end, and another one takes its place", async () => {
  const serve = await start();
  const workers = serve.workers();
  expect(workers).toHaveLength(2);
  // New connections go to the workers in turn.
  const connections = [openConnection(serve.url), openConnection(serve.url)];
  for (const send of connections) await send();
  const [victim = 0] = workers;
  process.kill(victim, "SIGSTOP");
  const answers = connections.map((send) => send());
  const first = await Promise.race(answers.map((answer, at) => answer.then(() => at)));
  process.kill(victim, "SIGKILL");
  const [kept, lost] = first === 0 ? answers : [answers[1], answers[0]];
  expect((await kept)?.status).toBe(200);
  await expect(lost).rejects.toMatchObject({ code: "ECONNRESET" });
  await serve.waitForLog("serves in its place");
  expect(serve.workers()).toHaveLength(2);
  expect(serve.workers()).not.toContain(victim);
  for (let connection = 0; connection < 4; connection += 1)
    expect((await openConnection(serve.url)()).status).toBe(200);
  expect(await stop(serve)).toEqual([0, null]);
});

test("a connection that a worker was given and had not accepted when it was killed is closed", async () => {
  const serve = await start();
  const [victim = 0] = serve.workers();
  process.kill(victim, "SIGSTOP");
  const sockets = Array.from({ length: 4 }, () => connect(Number(new URL(serve.url).port), "127.0.0.1"));
  const ended = sockets.map(async (socket) => {
    socket.on("error", () => undefined).resume();
    socket.write("GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n");
    await new Promise((resolve) => socket.once("close", resolve));
  });
  // Those of the other worker are answered.
  await Promise.race(ended);
  process.kill(victim, "SIGKILL");
  await Promise.all(ended);
});

test("when the primary is killed, all workers end", async () => {
  const serve = await start();
  const workers = serve.workers();
  await stop(serve, "SIGKILL");
  expect(await waitForExits(workers)).toEqual([]);
});

test.each(["1", "2"])("SIGTERM lets a request finish that has begun (--workers %s)", async (workers) => {
  const serve = await start(["--workers", workers]);
  const send = openConnection(serve.url);
  await send();
  const answered = send(10_000);
  // The request is on its way once the worker has started the process for large bodies.
  while (!(await hasLargeRequest(serve))) await new Promise((resolve) => setImmediate(resolve));
  const closed = stop(serve);
  const { status, body } = await answered;
  expect(status).toBe(200);
  expect(JSON.parse(body).predictions).toHaveLength(10_000);
  expect(await closed).toEqual([0, null]);
});

test.each(["1", "2"])("a second Ctrl-C ends it at once (--workers %s)", async (workers) => {
  const serve = await start(["--workers", workers]);
  const pids = serve.workers();
  // A request that never becomes complete would hold the end back.
  const sent = request(`${serve.url}/v1/predict`, { method: "POST", headers: { "content-length": 1_000 } });
  sent.on("error", () => undefined);
  sent.write("{");
  await (await fetch(`${serve.url}/health`)).text();
  const closed = once(serve.child, "close");
  serve.child.kill("SIGINT");
  await waitForRefusal(serve.url);
  serve.child.kill("SIGINT");
  expect(await closed).toEqual([130, null]);
  expect(await waitForExits(pids)).toEqual([]);
});

test("a key's rate limit counts the requests of all workers together", async () => {
  const data = join(folder.path, "data");
  const create = [
    ...["keys", "create", "--name", "app", "--models", "churn", "--environment", "stage"],
    ...["--per-minute", "5", "--burst", "5", "--data", data],
  ];
  const child = spawn(process.execPath, [slipwayPath, ...create], {
    cwd: repositoryRoot,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const key = /slw_[\w-]+/.exec(await text(child.stdout))?.[0] ?? "";
  const { url } = await start(["--workers", "2", "--keys"]);
  const statuses = await Promise.all(
    Array.from({ length: 12 }, async () => {
      const response = await fetch(`${url}/v1/model`, {
        headers: { "x-api-key": key, connection: "close" },
      });
      await response.text();
      return response.status;
    }),
  );
  expect(statuses.filter((status) => status === 200)).toHaveLength(5);
  expect(statuses.filter((status) => status === 429)).toHaveLength(7);
  expect((await fetch(`${url}/v1/model`)).status).toBe(401);
});

test("a worker is not replaced by one that would serve another model", async () => {
  const model = join(folder.path, "churn");
  await cp(join(repositoryRoot, "models", "churn"), model, { recursive: true });
  const serve = await start(["--workers", "2"], model);
  const manifest = join(model, "model.yaml");
  await writeFile(
    manifest,
    (await readFile(manifest, "utf8")).replace(/timeoutSeconds: \d+/, "timeoutSeconds: 7"),
  );
  const [victim = 0, other] = serve.workers();
  process.kill(victim, "SIGKILL");
  expect(await serve.waitForLog("cannot start")).toMatch(/has changed since its model was opened: restart/);
  expect((await predict(serve.url, golden.slice(0, 1)))?.status).toBe(200);
  expect(serve.workers()).toContain(other);
});

test("a port that is in use ends the start with its remedy, and leaves no process", async () => {
  const first = await start(["--workers", "1"]);
  const child = spawn(
    process.execPath,
    [
      slipwayPath,
      ...["serve", "models/churn", "--no-trial", "--workers", "2", "--port", new URL(first.url).port],
      ...["--data", join(folder.path, "other")],
    ],
    { cwd: repositoryRoot, stdio: ["ignore", "ignore", "pipe"] },
  );
  const [errors, [code]] = await Promise.all([text(child.stderr), once(child, "close")]);
  expect(errors).toMatch(/is in use: stop the other program, or choose another port with --port/);
  expect(code).toBe(3);
});

/** Whether a process for large bodies runs. */
const hasLargeRequest = async ({ child }: Serve): Promise<boolean> =>
  listDescendants(child.pid ?? 0, "offload-process").length > 0;

/** Waits until no new connection gets a response: it is refused, or waits for the end of the process. */
const waitForRefusal = async (url: string): Promise<void> => {
  for (;;) {
    const signal = AbortSignal.timeout(2_000);
    const response = await fetch(`${url}/health`, { headers: { connection: "close" }, signal }).catch(
      () => undefined,
    );
    if (!response) return;
    await response.text();
  }
};
