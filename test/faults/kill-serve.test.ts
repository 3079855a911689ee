import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { waitForExits } from "#test/support/process-tree.ts";
import { createSeededRandom } from "#test/support/seeded-random.ts";
import { listAllRecords, predict, type Serve, startServe } from "#test/support/serve-processes.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { isSample } from "./sample-kill-points.ts";

const rounds = isSample ? 3 : 8;
const connections = 32;
/** A round is killed after this many responses; the journal is moved into the database after every 250 or 200 ms. */
const [fewest, most] = [20, 1_200];

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let running: ChildProcess | undefined;
beforeEach(async () => {
  folder = await createTemporaryFolder();
});
afterEach(async () => {
  running?.kill("SIGKILL");
  await folder.remove();
});

const serve = async (workers = 1): Promise<Serve> => {
  const started = await startServe("models/churn", [
    ...["--data", join(folder.path, "data"), "--workers", `${workers}`],
  ]);
  running = started.child;
  return started;
};

type Answer = { readonly id: string; readonly rows: number; readonly isWarned: boolean };

const golden = readChurnGolden().rows;

/**
 * Sends requests on all connections, calls `kill` after `count` responses, and returns what was answered. With `until`, a connection
 * that was cut is opened again, up to so many responses. `hasLarge`: whether some requests have so many rows that they go to a
 * process of their own, which each worker starts anew.
 */
const loadAndKill = async (
  { child, url }: Serve,
  random: () => number,
  {
    count,
    kill,
    until = Number.POSITIVE_INFINITY,
    hasLarge = false,
  }: { count: number; kill: () => void; until?: number; hasLarge?: boolean },
): Promise<{ readonly answers: readonly Answer[]; readonly cut: number }> => {
  const answers: Answer[] = [];
  let cut = 0;
  /** Most requests are JSON; 20 to 120 rows are columns in an item, 2,000 a blob. */
  const drawSize = () => {
    const draw = random();
    if (draw < 0.004) return hasLarge ? 2_000 : 120;
    return draw < 0.1 ? 20 + Math.floor(random() * 101) : 1 + Math.floor(random() * 3);
  };
  const sendUntilEnd = async (): Promise<void> => {
    while (child.signalCode === null && child.exitCode === null && answers.length < until) {
      const rows = Array.from({ length: drawSize() }, () => golden[Math.floor(random() * golden.length)]);
      const answer = await predict(url, rows);
      if (answer === undefined) {
        // Its connection was cut: this request has no response.
        cut += 1;
        if (until === Number.POSITIVE_INFINITY) return;
        continue;
      }
      if (answer.status === 429) {
        // A worker that has just started is slow: its queue is full sooner.
        expect(answer.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
        continue;
      }
      expect(answer.status).toBe(200);
      answers.push({
        id: answer.id ?? "",
        rows: rows.length,
        isWarned: answer.headers.has("x-storage-warning"),
      });
      if (answers.length === count) kill();
    }
  };
  await Promise.all(Array.from({ length: connections }, sendUntilEnd));
  return { answers, cut };
};

const findMissing = async (url: string, answers: readonly Answer[]): Promise<readonly string[]> => {
  const ids = answers.flatMap(({ id, rows }) => [`${id}.0`, `${id}.${rows - 1}`]);
  const missing: string[] = [];
  const check = async (): Promise<void> => {
    for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
      const response = await fetch(`${url}/v1/predictions/${id}`);
      await response.text();
      if (!response.ok) missing.push(`${id}: ${response.status}`);
    }
  };
  await Promise.all(Array.from({ length: 16 }, check));
  return missing;
};

/** Waits for the replaced workers. The kernel notifies only their parent, so this has to look again and again. */
const waitForWorkers = async ({ workers, url }: Serve, count: number): Promise<void> => {
  while (workers().length < count) await (await fetch(`${url}/health`)).text();
};

/** Fails unless every answered row has one record, and no more requests have one than were answered or cut off. */
const expectAllRecords = async (url: string, answers: readonly Answer[], cut: number): Promise<void> => {
  expect(answers.filter(({ isWarned }) => isWarned)).toEqual([]);
  expect(await findMissing(url, answers)).toEqual([]);
  const { items, total } = await listAllRecords(url);
  // Counters and items are written together, so no kill makes them differ.
  expect(total).toBe(items.length);
  expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
  expect(items.length).toBeGreaterThanOrEqual(answers.reduce((sum, { rows }) => sum + rows, 0));
  // A request whose connection was cut may have a record although its response did not arrive.
  expect(new Set(items.map(({ id }) => id.split(".")[0])).size).toBeLessThanOrEqual(answers.length + cut);
  const times = items.map(({ createdAt }) => createdAt);
  expect(times).toEqual(times.toSorted().toReversed());
};

const createRandom = () => {
  const seed = Number(process.env.SLIPWAY_SEED ?? Date.now() % 1_000_000);
  console.log(`The moments of the kills follow from SLIPWAY_SEED=${seed}`);
  return createSeededRandom(seed);
};
const drawCount = (random: () => number) => Math.round(fewest + random() * (most - fewest));

test.each([1, 2])(
  "slipway serve --workers %d that is killed at any moment under load has every record of a response without a warning",
  async (workers) => {
    const random = createRandom();
    const answers: Answer[] = [];
    let cut = 0;
    for (let round = 1; round <= rounds; round += 1) {
      const served = await serve(workers);
      const ended = once(served.child, "exit");
      const pids = served.workers();
      const kill = () => void served.child.kill("SIGKILL");
      const result = await loadAndKill(served, random, { count: drawCount(random), kill, hasLarge: true });
      await ended;
      expect(await waitForExits(pids)).toEqual([]);
      answers.push(...result.answers);
      cut += result.cut;
    }
    const { child, url } = await serve(workers);
    await expectAllRecords(url, answers, cut);
    child.kill("SIGTERM");
    await once(child, "exit");
  },
);

test("a worker that is killed under load loses no record of a response, and the service goes on", async () => {
  const random = createRandom();
  const served = await serve(2);
  const answers: Answer[] = [];
  let cut = 0;
  for (let round = 1; round <= rounds; round += 1) {
    const count = drawCount(random);
    const [victim = 0] = served.workers();
    const kill = () => void process.kill(victim, "SIGKILL");
    const result = await loadAndKill(served, random, { count, kill, until: count + 200 });
    answers.push(...result.answers);
    cut += result.cut;
    await served.waitForLog(`worker process ${victim} ended with SIGKILL`);
    await waitForWorkers(served, 2);
  }
  await expectAllRecords(served.url, answers, cut);
  served.child.kill("SIGTERM");
  expect(await once(served.child, "exit")).toEqual([0, null]);
});
