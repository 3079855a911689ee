import { expect, test } from "vitest";
import type { ServerComparison, ServerResult } from "./compare-servers.ts";
import { compareRounds, listMemoryTargets, listServeTargets } from "./list-serve-targets.ts";
import type { LoadResult } from "./run-load.ts";
import type { ServerKind } from "./servers.ts";

const what = "one row";
const comparison = { largest: 0, share: 0, isRight: true };
const load = (perSecond: number, medianMs = 1): LoadResult => ({
  perSecond,
  medianMs,
  p95Ms: medianMs,
  maxMs: medianMs,
  answered: 1,
  failed: 0,
  cpuMs: 1,
  peakBytes: 150e6,
  generatorShare: 0.5,
});
const measured = (kind: ServerKind, ...rounds: LoadResult[]): ServerResult => ({
  kind,
  status: "measured",
  comparison,
  idleBytes: 80e6,
  rounds: new Map([[what, rounds]]),
});
const scenario = {
  what,
  figure: "perSecond" as const,
  requests: [],
  connections: 1,
  seconds: 1,
};
const build = (...servers: ServerResult[]): ServerComparison => ({
  model: "m",
  scenarios: [scenario],
  servers,
});

test("a ratio is taken within each round, so that a machine that slows down meets both servers", () => {
  const result = build(
    measured("slipway serve", load(300), load(100), load(30)),
    measured("FastAPI", load(100), load(50), load(10)),
  );
  expect(compareRounds(result, "FastAPI", scenario)).toEqual({ median: 3, min: 2, max: 3 });
});

test("of latencies the shorter one is faster", () => {
  const result = build(measured("slipway serve", load(1, 10)), measured("FastAPI", load(1, 40)));
  expect(compareRounds(result, "FastAPI", { what, figure: "medianMs" })?.median).toBe(4);
});

test("a target by processor time compares that of all processes, and is named so", () => {
  const result = build(
    measured("slipway serve", { ...load(1, 10), cpuMs: 5 }),
    measured("FastAPI", { ...load(1, 15), cpuMs: 15 }),
  );
  const [line] = listServeTargets(result, [{ what, kind: "FastAPI", atLeast: 2, by: "cpuMs" }]);
  expect([line?.what, line?.measured?.median]).toEqual(["m, one row, processor time: times FastAPI", 3]);
});

test("a server that was left out is no target, but a target without Slipway's own figure is missed", () => {
  const targets = [
    { what, kind: "FastAPI" as const, atLeast: 2 },
    { what, kind: "LitServe" as const, atLeast: 2 },
  ];
  const leftOut: ServerResult = { kind: "LitServe", status: "left-out", why: "no" };
  expect(
    listServeTargets(
      build(measured("slipway serve", load(10)), measured("FastAPI", load(5)), leftOut),
      targets,
    ),
  ).toEqual([
    {
      what: "m, one row: times FastAPI",
      measured: { median: 2, min: 2, max: 2 },
      unit: "times",
      target: { atLeast: 2 },
    },
  ]);
  const wrong: ServerResult = { kind: "slipway serve", status: "wrong", comparison };
  expect(listServeTargets(build(wrong, measured("FastAPI", load(5))), targets)).toMatchObject([
    { measured: undefined },
  ]);
});

test("memory has a limit when idle and under load", () => {
  const lines = listMemoryTargets(build(measured("slipway serve", load(1))), what);
  expect(lines.map((line) => [line.measured?.median, line.target])).toEqual([
    [80, { atMost: 90 }],
    [150, { atMost: 200 }],
  ]);
});
