import { type ChildProcess, execFile, spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { cp, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { withEmbeddedWorld } from "#cli/open-embedded-world.ts";
import { listDescendants, waitForExits } from "#test/support/process-tree.ts";
import { createSeededRandom } from "#test/support/seeded-random.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { isSample } from "./sample-kill-points.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const rounds = isSample ? 3 : 8;
/** When a round is killed, in milliseconds: from the start of the process to the middle of a delivery. */
const earliest = 500;
const latest = 8_000;

/**
 * A copy of this checkout with higher latency limits on stage and in the canary: other processes make the machine slow,
 * and a delivery that a latency gate stops, or keeps baking, has nothing left to kill.
 */
const copyCheckout = async (to: string): Promise<string> => {
  const excluded = /^(node_modules|terraform|dist|\.git|\.slipway)$/;
  for (const name of readdirSync(root))
    if (!excluded.test(name)) await cp(join(root, name), join(to, name), { recursive: true });
  await symlink(join(root, "node_modules"), join(to, "node_modules"));
  const loosenRule = async (path: string, rule: RegExp, by: string) => {
    const text = await readFile(join(to, path), "utf8");
    expect([path, rule.test(text)]).toEqual([path, true]);
    await writeFile(join(to, path), text.replace(rule, by));
  };
  await loosenRule("models/churn/model.yaml", /latencyP95Ms: \d+/, "latencyP95Ms: 1000");
  await loosenRule("policy.yaml", /slackMs: \d+/, "slackMs: 1000");
  return to;
};

let workFolder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let slipway = "";
let data = "";
let running: ChildProcess | undefined;
beforeEach(async () => {
  workFolder = await createTemporaryFolder();
  data = join(workFolder.path, "data");
  slipway = join(await copyCheckout(join(workFolder.path, "checkout")), "cli", "slipway.ts");
});
afterEach(async () => {
  running?.kill("SIGKILL");
  await workFolder.remove();
});

const rehearse = (): { child: ChildProcess; errors: () => string; ended: Promise<number | null> } => {
  const child = spawn(
    process.execPath,
    [
      slipway,
      "rehearse",
      "--approve",
      "--json",
      ...["--bake", "300ms", "--traffic", "200", "--port", "0", "--data", data],
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  running = child;
  let errors = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  return { child, errors: () => errors, ended };
};

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const Row = z.looseObject({
  environment: z.string(),
  version: z.number(),
  percent: z.number(),
  digest: z.string(),
});
const Status = z.object({
  serving: z.array(Row),
  deliveries: z.array(
    z.looseObject({
      delivery: z.string(),
      outcome: z.string().nullable(),
      error: z.object({ name: z.string(), cause: z.string() }).optional(),
    }),
  ),
  approvals: z.array(z.unknown()),
});
const status = async () => {
  const args = [slipway, "status", "--json", "--data", data];
  return Status.parse(JSON.parse((await promisify(execFile)(process.execPath, args)).stdout));
};

/** Versions of prod's alias without an entry in the ledger, after a kill and before any recovery. */
const findUnexplainedVersions = (): Promise<readonly string[]> =>
  withEmbeddedWorld(data, async ({ world }) => {
    const live = await world.serving.prod.live("churn");
    if (!live) return [];
    const entries = await world.ledger.entries("prod", "churn", 100);
    return [live.version, ...(live.canary ? [live.canary.version] : [])].filter(
      (version) => !entries.some(({ functionVersion }) => functionVersion === version),
    );
  });

test("a rehearsal that is killed at random moments continues each time and completes", async () => {
  const seed = Number(process.env.SLIPWAY_SEED ?? Date.now() % 1_000_000);
  console.log(`The moments of the kills follow from SLIPWAY_SEED=${seed}`);
  const random = createSeededRandom(seed);
  for (let round = 1; round <= rounds; round++) {
    const afterMs = Math.round(earliest + random() * (latest - earliest));
    const { child, ended, errors } = rehearse();
    await Promise.race([pause(afterMs), ended]);
    const workers = child.pid === undefined ? [] : listDescendants(child.pid);
    const exit = child.exitCode;
    child.kill("SIGKILL");
    await ended;
    const where = `round ${round}, killed after ${afterMs} ms`;
    // A round that ended before the kill must have succeeded.
    expect([where, exit === null || exit === 0, exit === null ? "" : errors()]).toEqual([
      where,
      true,
      exit === null ? "" : expect.any(String),
    ]);
    expect([where, await waitForExits(workers)]).toEqual([where, []]);
    // A kill before the database exists leaves nothing to check.
    const versions = await findUnexplainedVersions().catch((error: Error) =>
      error.name === "UsageMistake" ? [] : Promise.reject(error),
    );
    expect([where, versions]).toEqual([where, []]);
  }

  const last = rehearse();
  const exit = await last.ended;
  expect([exit, exit === 0 ? "" : last.errors()]).toEqual([0, ""]);
  const { serving, deliveries, approvals } = await status();
  expect(approvals).toEqual([]);
  const digest = serving[0]?.digest;
  expect(serving.map(({ environment, percent, digest: actual }) => [environment, percent, actual])).toEqual([
    ["stage", 100, digest],
    ["prod", 100, digest],
  ]);
  // Each execution ended; an interrupted execution has the error Interrupted.
  for (const { delivery, outcome, error } of deliveries)
    expect([delivery, outcome, outcome === "failed" ? error?.name : ""]).toEqual([
      delivery,
      expect.stringMatching(/^(promoted|failed|unchanged)$/),
      outcome === "failed" ? "Interrupted" : "",
    ]);
  expect(deliveries.filter(({ outcome }) => outcome === "promoted")).toHaveLength(2);
  await withEmbeddedWorld(data, async ({ world }) => {
    const entries = await world.ledger.entries("prod", "churn", 100);
    expect(entries.filter((entry) => entry.status === "promoted")).toHaveLength(2);
    expect(entries.every((entry) => entry.status === "promoted" || entry.status === "ended")).toBe(true);
    expect((await world.ledger.serving("prod", "churn"))?.version).toBe(serving[0]?.version);
    expect((await world.registry.byAlias("churn", "champion"))?.version).toBe(serving[0]?.version);
    expect(await world.claims.open()).toEqual([]);
  });
}, 600_000);
