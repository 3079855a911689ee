import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { PredictResponse } from "#inference/native/predict-response.ts";
import { PredictionPage } from "#inference/records/records.ts";
import { repositoryRoot, slipwayPath } from "#test/end-to-end/fixture.ts";
import { readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { createSeededRandom } from "#test/support/seeded-random.ts";
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

const serve = async (): Promise<{ readonly child: ChildProcess; readonly url: string }> => {
  const options = ["--no-trial", "--json", "--port", "0", "--data", join(folder.path, "data")];
  const child = spawn(process.execPath, [slipwayPath, "serve", "models/churn", ...options], {
    cwd: repositoryRoot,
    stdio: ["ignore", "pipe", "pipe"],
  });
  running = child;
  const { stdout, stderr } = child;
  const errors = text(stderr);
  const line = await Promise.race([once(createInterface({ input: stdout }), "line"), errors]);
  if (typeof line === "string") throw new Error(`slipway serve did not start: ${line}`);
  return { child, url: z.object({ url: z.string() }).parse(JSON.parse(String(line[0]))).url };
};

type Answer = { readonly id: string; readonly rows: number; readonly isWarned: boolean };

/** Sends requests on all connections, kills the server after `count` responses, and returns what it answered. */
const loadAndKill = async (random: () => number, count: number): Promise<readonly Answer[]> => {
  const { child, url } = await serve();
  const ended = once(child, "exit");
  const golden = readChurnGolden().rows;
  const answers: Answer[] = [];
  const drawSize = () => (random() < 0.02 ? 120 : 1 + Math.floor(random() * 3));
  const sendUntilKilled = async (): Promise<void> => {
    while (child.signalCode === null && child.exitCode === null) {
      const rows = Array.from({ length: drawSize() }, () => golden[Math.floor(random() * golden.length)]);
      const body = JSON.stringify({ rows });
      const headers = { "content-type": "application/json" };
      let response: Response;
      let content: unknown;
      try {
        response = await fetch(`${url}/v1/predict`, { method: "POST", headers, body });
        content = await response.json();
      } catch {
        // Its connection was cut: this request has no response.
        return;
      }
      expect(response.status).toBe(200);
      const { id } = PredictResponse.parse(content);
      answers.push({ id, rows: rows.length, isWarned: response.headers.has("x-storage-warning") });
      if (answers.length === count) child.kill("SIGKILL");
    }
  };
  await Promise.all(Array.from({ length: connections }, sendUntilKilled));
  await ended;
  return answers;
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

const listAll = async (url: string) => {
  const items = [];
  for (let cursor = ""; ; ) {
    const response = await fetch(`${url}/v1/predictions?limit=100${cursor}`);
    const page = PredictionPage.parse(await response.json());
    items.push(...page.items);
    if (page.cursor === undefined) return { items, total: page.total };
    cursor = `&cursor=${encodeURIComponent(page.cursor)}`;
  }
};

test("slipway serve that is killed at any moment under load has every record of a response without a warning", async () => {
  const seed = Number(process.env.SLIPWAY_SEED ?? Date.now() % 1_000_000);
  console.log(`The moments of the kills follow from SLIPWAY_SEED=${seed}`);
  const random = createSeededRandom(seed);
  const answers: Answer[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const answered = await loadAndKill(random, Math.round(fewest + random() * (most - fewest)));
    expect(answered.filter(({ isWarned }) => isWarned)).toEqual([]);
    answers.push(...answered);
  }
  const { child, url } = await serve();
  expect(await findMissing(url, answers)).toEqual([]);

  const { items, total } = await listAll(url);
  // Counters and items are written together, so no kill makes them differ.
  expect(total).toBe(items.length);
  const records = new Set(items.map(({ id }) => id));
  expect(records.size).toBe(items.length);
  const answeredRows = answers.reduce((sum, { rows }) => sum + rows, 0);
  // Of each connection's last request the record may exist although its response did not arrive.
  expect(items.length).toBeGreaterThanOrEqual(answeredRows);
  expect(new Set(items.map(({ id }) => id.split(".")[0])).size).toBeLessThanOrEqual(
    answers.length + rounds * connections,
  );
  const times = items.map(({ createdAt }) => createdAt);
  expect(times).toEqual(times.toSorted().toReversed());

  child.kill("SIGTERM");
  await once(child, "exit");
});
