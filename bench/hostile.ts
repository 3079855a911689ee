/**
 * `npm run bench:hostile`: how attacks affect normal requests to `slipway serve` and to the rehearsal's gateway. Rounds
 * with and without an attack are interleaved; all load goes to 127.0.0.1 and is bounded in connections, bytes and time.
 * Exits with 1 when a target is missed: p99 of the normal traffic at most 5 times that without the attack, no failed
 * request, memory that does not grow from round to round.
 * Options: --json, --rounds <n> (5), --quick (one short round), --only serve|gateway, --attack <name>.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { measureTreeUsage, resetPeaks } from "#test/support/process-tree.ts";
import { watchRehearsal } from "#test/support/rehearsal-process.ts";
import { type AttackTarget, attacks } from "./hostile/attacks.ts";
import { detectPinning } from "./serve/cpu-pinning.ts";
import { describeMachine, readLoadAverage } from "./serve/describe-machine.ts";
import { formatReport, type ReportLine } from "./serve/report.ts";
import { computeSpread } from "./serve/spread.ts";
import { startServer } from "./serve/start-server.ts";

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    attack: { type: "string" },
  },
});
const rounds = options.quick ? 1 : Math.max(1, Math.round(Number(options.rounds)) || 5);
const seconds = options.quick ? 3 : 6;
/** V8 collects its old generation once a minute or so under light load: its heap has its full size only after that. */
const warmSeconds = options.quick ? seconds : 60;
const perSecond = 50;
const checkout = fileURLToPath(new URL("..", import.meta.url));
const model = join(checkout, "models", "churn");
const here = (name: string) => fileURLToPath(new URL(`hostile/${name}`, import.meta.url));
const pins = detectPinning();
// Records are in memory where the system has a folder for that: a disk flush takes up to 100 ms now and then, with and
// without an attack, and would hide everything else.
const inMemory = "/dev/shm";
const temporary = await mkdtemp(join(existsSync(inMemory) ? inMemory : tmpdir(), "slipway-hostile-"));
const say = (sentence: string) => void process.stderr.write(`${sentence}\n`);
const lines: ReportLine[] = [];
const started = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of started) child.kill("SIGKILL");
});

type NormalLoadResult = { readonly medianMs: number; readonly p99Ms: number; readonly failed: number };

const start = (program: string, args: readonly string[], input: unknown): ChildProcess => {
  const [command = process.execPath, ...rest] = [...pins.generator, process.execPath, here(program), ...args];
  const child = spawn(command, rest, { stdio: ["pipe", "pipe", "inherit"] });
  started.add(child);
  child.once("close", () => started.delete(child));
  child.stdin?.end(JSON.stringify(input));
  return child;
};
const runNormalLoad = async (url: string, body: string, forSeconds = seconds): Promise<NormalLoadResult> => {
  const child = start("normal-load.ts", [String(perSecond), String(forSeconds)], { url, body });
  if (!child.stdout) throw new TypeError("the load prints nothing");
  return JSON.parse(await text(child.stdout));
};
/** Normal traffic during an attack: the attack starts first and ends last. */
const runUnderAttack = async (
  name: string,
  target: AttackTarget,
  [url, body]: readonly [string, string],
  forSeconds = seconds,
): Promise<NormalLoadResult> => {
  const child = start("run-attack.ts", [name, String(forSeconds + 2)], target);
  const ended = once(child, "close");
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const measured = await runNormalLoad(url, body, forSeconds);
  child.kill("SIGKILL");
  await ended;
  return measured;
};

const measure = async (where: string, url: string, pid: number, names: readonly string[]): Promise<void> => {
  const golden = JSON.parse(await readFile(join(model, "golden.json"), "utf8"));
  const [row] = golden.rows;
  const body = JSON.stringify({ rows: [row] });
  const { port, pathname } = new URL(url);
  const target: AttackTarget = { port: Number(port), predictPath: pathname, row };
  await runNormalLoad(url, body);
  for (const name of names) {
    const without: NormalLoadResult[] = [];
    const during: NormalLoadResult[] = [];
    const peaks: number[] = [];
    // Memory that a first attack makes the processes keep (code, heaps) is allocated before the first round.
    say(`${where}, ${name}, warming up for ${warmSeconds} s …`);
    await runUnderAttack(name, target, [url, body], warmSeconds);
    for (let round = 1; round <= rounds; round++) {
      resetPeaks(pid);
      say(`${where}, ${name}, round ${round} of ${rounds} …`);
      without.push(await runNormalLoad(url, body));
      during.push(await runUnderAttack(name, target, [url, body]));
      const peak = measureTreeUsage(pid)?.peakBytes;
      if (peak === undefined) continue;
      peaks.push(peak / 1e6);
      say(`  at most ${(peak / 1e6).toFixed(0)} MB`);
    }
    const what = `${where}, ${name}`;
    const p99 = (results: readonly NormalLoadResult[]) => computeSpread(results.map(({ p99Ms }) => p99Ms));
    lines.push({ what: `${what}: p99 without`, measured: p99(without), unit: "ms" });
    lines.push({ what: `${what}: p99`, measured: p99(during), unit: "ms" });
    const times = during.map(({ p99Ms }, at) => p99Ms / (without[at]?.p99Ms ?? Number.NaN));
    lines.push({
      what: `${what}: times p99`,
      measured: computeSpread(times),
      unit: "times",
      target: { atMost: 5 },
    });
    const failed = computeSpread([...during, ...without].map((result) => result.failed));
    lines.push({
      what: `${what}: normal requests that failed, of ${perSecond * seconds}`,
      measured: failed && { ...failed, median: failed.max },
      unit: "requests",
      target: { atMost: 0 },
    });
    lines.push({
      what: `${what}: memory, at most`,
      measured: computeSpread(peaks),
      unit: "MB",
      target: { below: 700 },
    });
    const [first] = peaks;
    const last = peaks.at(-1);
    if (peaks.length > 1 && first !== undefined && last !== undefined)
      lines.push({
        what: `${what}: memory, last round beside the first`,
        measured: computeSpread([last / first]),
        unit: "times",
        target: { atMost: 1.1 },
      });
  }
};

const selectAttacks = (names: readonly string[]) =>
  names.filter((name) => options.attack === undefined || name === options.attack);
const names = Object.keys(attacks);
const slack = "unsigned posts to Slack's callback";

const serve = async (): Promise<void> => {
  const golden = JSON.parse(await readFile(join(model, "golden.json"), "utf8"));
  const data = join(temporary, "serve");
  const server = await startServer("slipway serve", JSON.stringify({ rows: golden.rows.slice(0, 1) }), {
    folder: model,
    data,
    python: "",
    wrap: pins.server,
  });
  try {
    await measure("serve", server.url, server.pid, selectAttacks(names.filter((name) => name !== slack)));
  } finally {
    await server.stop();
  }
};

/** A rehearsal with both versions delivered, as `npm start` leaves it, without its synthetic application. */
const gateway = async (): Promise<void> => {
  const folder = join(temporary, "rehearsal");
  const rehearse = (more: readonly string[]) =>
    watchRehearsal(
      process.execPath,
      [join(checkout, "scripts", "start.mjs"), "--json", "--port", "0", "--data", folder, ...more],
      { cwd: checkout },
    );
  say("a rehearsal delivers …");
  const delivered = rehearse(["--approve"]);
  const limit = setTimeout(() => void delivered.stop(), 300_000);
  await delivered.ended().finally(() => clearTimeout(limit));
  const rehearsal = rehearse(["--traffic", "0"]);
  try {
    const { url } = await rehearsal.waitFor("serving", ({ environment }) => environment === "prod");
    await measure("gateway", `${url}/v1/predict`, rehearsal.pid, selectAttacks(names));
  } finally {
    await rehearsal.stop();
  }
};

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const loadBefore = readLoadAverage();
try {
  if ((options.only ?? "serve") === "serve") await serve();
  if ((options.only ?? "gateway") === "gateway") await gateway();
} finally {
  await rm(temporary, { recursive: true, force: true, maxRetries: 5 });
}
const machine = describeMachine({ pinned: pins.pinned, rounds, loadBefore });
const { text: table, missed } = formatReport(lines, machine);
console.log(options.json ? JSON.stringify({ machine, lines }, undefined, 2) : table);
process.exitCode = missed ? 1 : 0;
