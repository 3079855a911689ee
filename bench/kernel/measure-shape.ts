import { computeSpread, type Spread } from "../serve/spread.ts";
import { type Comparison, compareOutputs } from "./compare-outputs.ts";
import { maxRows } from "./read-rows.ts";
import type { Shape, TrainedShape } from "./shapes.ts";
import { type Peer, startPeer } from "./start-peer.ts";

export type EngineResult = { readonly engine: string } & (
  | { readonly status: "left-out"; readonly why: string }
  | { readonly status: "wrong"; readonly version: string; readonly comparison: Comparison }
  | {
      readonly status: "measured";
      readonly version: string;
      readonly comparison: Comparison;
      /** Processor time of one call by its number of rows, microseconds. */
      readonly cpuMicros: ReadonlyMap<number, Spread>;
    }
);
export type ShapeResult = {
  readonly shape: Shape;
  readonly trained: TrainedShape;
  readonly engines: readonly EngineResult[];
};

type Options = Parameters<typeof startPeer>[1] & {
  readonly engines: readonly string[];
  readonly rowCounts: readonly number[];
  readonly rounds: number;
  /** Processor time that one measurement takes at least. */
  readonly measurementMs: number;
  readonly say: (sentence: string) => void;
};

/** The answers that all others are compared with. */
const oracle = "onnxruntime-node";

/** Calls that take about `measurementMs` together; they also warm the engine up. */
const countCalls = async (peer: Peer, rows: number, measurementMs: number): Promise<number> => {
  for (let calls = 1; ; ) {
    const cpuMs = await peer.time(rows, calls);
    if (cpuMs >= measurementMs || calls >= 1_000_000) return calls;
    calls = Math.ceil(calls * Math.min(20, Math.max(2, (1.2 * measurementMs) / Math.max(cpuMs, 1e-3))));
  }
};

const explainError = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Each engine in turn, round after round, so that a busy moment meets all of them; each round begins with another one. */
const timePeers = async (
  peers: readonly Peer[],
  rows: number,
  { rounds, measurementMs, say }: Options,
): Promise<ReadonlyMap<string, Spread>> => {
  const calls = new Map<Peer, number>();
  for (const peer of peers) calls.set(peer, await countCalls(peer, rows, measurementMs));
  const micros = new Map(peers.map(({ engine }): [string, number[]] => [engine, []]));
  for (let round = 0; round < rounds; round += 1) {
    say(`  ${rows} ${rows === 1 ? "row" : "rows"}, round ${round + 1} of ${rounds} …`);
    for (let turn = 0; turn < peers.length; turn += 1) {
      const peer = peers[(turn + round) % peers.length];
      const count = peer && calls.get(peer);
      if (!count) continue;
      micros.get(peer.engine)?.push(((await peer.time(rows, count)) * 1_000) / count);
    }
  }
  return new Map(
    [...micros].flatMap(([engine, values]) => {
      const spread = computeSpread(values);
      return spread ? [[engine, spread] as const] : [];
    }),
  );
};

/**
 * All engines on one trained shape: their answers to 10,000 rows are compared first, and only an engine whose answers are
 * right is timed. Throws if onnxruntime-node itself does not answer.
 */
export const measureShape = async (
  shape: Shape,
  trained: TrainedShape,
  options: Options,
): Promise<ShapeResult> => {
  const { engines, rowCounts, say } = options;
  const started: Peer[] = [];
  const results = new Map<string, EngineResult>();
  const right: { readonly peer: Peer; readonly comparison: Comparison }[] = [];
  try {
    for (const engine of engines) {
      say(`${shape.name}: ${engine} gets ready …`);
      const peer = await startPeer(engine, options);
      if ("why" in peer) results.set(engine, { engine, status: "left-out", why: peer.why });
      else started.push(peer);
    }
    const reference = started.find(({ engine }) => engine === oracle);
    if (!reference)
      throw new Error(`${shape.name}: ${oracle} does not answer, and all others are compared with it`);
    const expected = await reference.predict(maxRows);
    for (const peer of started) {
      const { engine, version } = peer;
      try {
        const comparison = compareOutputs(await peer.predict(maxRows), expected);
        if (comparison.isRight) right.push({ peer, comparison });
        else results.set(engine, { engine, status: "wrong", version, comparison });
      } catch (error) {
        results.set(engine, { engine, status: "left-out", why: explainError(error) });
      }
    }
    const times = new Map<number, ReadonlyMap<string, Spread>>();
    const peers = right.map(({ peer }) => peer);
    for (const rows of rowCounts) times.set(rows, await timePeers(peers, rows, options));
    for (const { peer, comparison } of right) {
      const { engine, version } = peer;
      const cpuMicros = new Map(
        rowCounts.flatMap((rows) => {
          const spread = times.get(rows)?.get(engine);
          return spread ? [[rows, spread] as const] : [];
        }),
      );
      results.set(engine, { engine, status: "measured", version, comparison, cpuMicros });
    }
    return {
      shape,
      trained,
      engines: engines.flatMap((engine) => results.get(engine) ?? []),
    };
  } finally {
    for (const { stop } of started) stop();
  }
};
