import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Row } from "#model-folder/manifest/manifest.ts";
import { completeListOptions, createPythonEnvironment } from "#test/peers/python-environment.ts";
import { measureTreeMemory } from "#test/support/process-tree.ts";
import { type Comparison, compareOutputs } from "../kernel/compare-outputs.ts";
import type { BenchModel } from "./bench-model.ts";
import { type LoadResult, runLoad } from "./run-load.ts";
import { type ServerKind, servers } from "./servers.ts";
import { type RunningServer, startServer } from "./start-server.ts";

/** One load; each of `requests` holds the rows of one request, and they are sent in turn. */
export type Scenario = {
  readonly what: string;
  /** What a table shows of it. */
  readonly figure: "perSecond" | "medianMs";
  readonly requests: readonly (readonly Row[])[];
  readonly connections: number;
} & ({ readonly seconds: number } | { readonly amount: number });

export type ServerResult = { readonly kind: ServerKind } & (
  | { readonly status: "left-out"; readonly why: string }
  | { readonly status: "wrong"; readonly comparison: Comparison }
  | {
      readonly status: "measured";
      readonly comparison: Comparison;
      /** Resident memory of all its processes after its start and one response, bytes; undefined without /proc. */
      readonly idleBytes: number | undefined;
      /** By scenario, one result for each round. */
      readonly rounds: ReadonlyMap<string, readonly LoadResult[]>;
    }
);
export type ServerComparison = {
  readonly model: string;
  readonly scenarios: readonly Scenario[];
  readonly servers: readonly ServerResult[];
};

type Options = {
  readonly temporary: string;
  readonly rounds: number;
  readonly wrap: { readonly server: readonly string[]; readonly generator: readonly string[] };
  readonly say: (sentence: string) => void;
};

/** The answers that all others are compared with. */
const oracle: ServerKind = "onnxruntime-node on node:http";
/** Without these there is nothing to compare. */
const required: readonly ServerKind[] = ["slipway serve", oracle];

const explainError = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).trim().split("\n").at(-1) ?? "";

const openPython = async (kind: ServerKind, say: Options["say"]): Promise<string> => {
  const server = servers[kind];
  if (!("environment" in server)) return "";
  const file = `requirements-${server.environment}.txt`;
  say(`${kind}: its packages (bench/${file}) are installed, or found in the cache …`);
  const requirements = fileURLToPath(new URL(`../${file}`, import.meta.url));
  return (await createPythonEnvironment(requirements, completeListOptions)).python;
};

/** All scores of the server for every request of every scenario, one after the other. */
const askScores = async ({ kind, url }: RunningServer, model: BenchModel, scenarios: readonly Scenario[]) => {
  const { protocol } = servers[kind];
  const { output } = model.manifest;
  const labels = "labels" in output && Array.isArray(output.labels) ? output.labels : [];
  const scores: number[] = [];
  for (const rows of scenarios.flatMap(({ requests }) => requests)) {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: protocol.formatBody(rows, model.manifest),
    });
    if (!response.ok)
      throw new Error(`it answers ${response.status}: ${(await response.text()).slice(0, 300)}`);
    for (const score of protocol.readScores(await response.json(), labels)) scores.push(score);
  }
  return Float64Array.from(scores);
};

const measure = async (
  { kind, url, pid }: RunningServer,
  { requests, what: _what, figure: _figure, ...load }: Scenario,
  model: BenchModel,
  generator: readonly string[],
): Promise<LoadResult> => {
  const bodies = requests.map((rows) => servers[kind].protocol.formatBody(rows, model.manifest));
  return runLoad(
    "amount" in load ? { ...load, url, bodies, requests: load.amount } : { ...load, url, bodies },
    pid,
    generator,
  );
};

/**
 * Starts all servers with one model, compares their answers to every request that is timed, and then puts each scenario's
 * load on each server in turn, round after round, after one that warms them up; a second of load that is not counted comes before
 * each measurement of seconds; each round begins with another server. A server that cannot be installed or
 * started is left out with its reason, and one with wrong answers is not timed. Throws if Slipway or the plain server fails.
 */
export const compareServers = async (
  model: BenchModel,
  kinds: readonly ServerKind[],
  scenarios: readonly Scenario[],
  { temporary, rounds, wrap, say }: Options,
): Promise<ServerComparison> => {
  const first = model.rows.slice(0, 1);
  const running: RunningServer[] = [];
  const results = new Map<ServerKind, ServerResult>();
  const leaveOut = (kind: ServerKind, error: unknown) => {
    if (required.includes(kind)) throw error;
    const why = explainError(error);
    say(`${model.name}: ${kind} IS LEFT OUT: ${why}`);
    results.set(kind, { kind, status: "left-out", why });
  };
  try {
    const idle = new Map<ServerKind, number | undefined>();
    for (const kind of kinds) {
      try {
        const python = await openPython(kind, say);
        say(`${model.name}: ${kind} starts …`);
        const data = join(temporary, `${model.name}-${kinds.indexOf(kind)}-records`);
        const body = servers[kind].protocol.formatBody(first, model.manifest);
        const server = await startServer(kind, body, {
          folder: model.folder,
          data,
          python,
          wrap: wrap.server,
        });
        running.push(server);
        idle.set(kind, measureTreeMemory(server.pid)?.totalBytes);
      } catch (error) {
        leaveOut(kind, error);
      }
    }
    const reference = running.find(({ kind }) => kind === oracle);
    if (!reference) throw new Error(`${oracle} is not selected, and all others are compared with it`);
    const expected = await askScores(reference, model, scenarios);
    const right: { readonly server: RunningServer; readonly comparison: Comparison }[] = [];
    for (const server of running) {
      say(`${model.name}: ${server.kind}'s answers are compared …`);
      try {
        const comparison = compareOutputs(await askScores(server, model, scenarios), expected);
        if (comparison.isRight) right.push({ server, comparison });
        else results.set(server.kind, { kind: server.kind, status: "wrong", comparison });
      } catch (error) {
        leaveOut(server.kind, error);
      }
    }
    const measured = new Map(right.map(({ server }) => [server, new Map<string, LoadResult[]>()]));
    // Round 0 warms all of them up and is not counted.
    for (let round = 0; round <= rounds; round += 1)
      for (const scenario of scenarios)
        for (let turn = 0; turn < right.length; turn += 1) {
          const server = right[(turn + round) % right.length]?.server;
          const byScenario = server && measured.get(server);
          if (!byScenario) continue;
          say(
            `${model.name}, ${scenario.what}, ${round === 0 ? "warm-up" : `round ${round} of ${rounds}`}: ${server.kind} …`,
          );
          // A server that waited for the others is slower at first: its garbage was collected, its memory left the caches.
          if (round > 0 && "seconds" in scenario)
            await measure(server, { ...scenario, seconds: 1 }, model, wrap.generator);
          const result = await measure(server, scenario, model, wrap.generator);
          if (round > 0) byScenario.set(scenario.what, [...(byScenario.get(scenario.what) ?? []), result]);
        }
    for (const { server, comparison } of right) {
      const { kind } = server;
      const byScenario = measured.get(server) ?? new Map();
      results.set(kind, {
        kind,
        status: "measured",
        comparison,
        idleBytes: idle.get(kind),
        rounds: byScenario,
      });
    }
    return { model: model.name, scenarios, servers: kinds.flatMap((kind) => results.get(kind) ?? []) };
  } finally {
    await Promise.all(running.map(({ stop }) => stop()));
  }
};
