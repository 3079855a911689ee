import { expect, test } from "vitest";
import { mergeBakeRounds } from "./merge-bake-rounds.ts";
import type { StateRun } from "./read-state-runs.ts";

const at = Date.UTC(2026, 10, 29, 20);
const run = (
  state: string,
  second: number,
  ms: number | undefined,
  checks?: readonly string[],
): StateRun => ({
  ...{ state, from: new Date(at + second * 1_000).toISOString(), ms, verdict: undefined, retries: 0 },
  status: ms === undefined ? "running" : "succeeded",
  error: undefined,
  output: checks && { JudgeCanary: { checks: [...checks] } },
});

test("the rounds of a bake are one bake, up to its judgement", () => {
  const runs = [
    run("ShiftTraffic", 0, 1_000),
    run("Bake", 1, 60_000),
    run("JudgeCanary", 61, 1_000, []),
    run("IsCanarySound", 62, 0),
    run("Bake", 62, 60_000),
    run("JudgeCanary", 122, 1_000, ["errors"]),
    run("IsCanarySound", 123, 0),
    run("Bake", 123, undefined),
  ];
  expect(
    mergeBakeRounds(runs).map(({ state, from, ms }) => [state, (Date.parse(from) - at) / 1_000, ms]),
  ).toEqual([
    ["ShiftTraffic", 0, 1_000],
    ["Bake", 1, 121_000],
    ["JudgeCanary", 122, 1_000],
    ["IsCanarySound", 123, 0],
    ["Bake", 123, undefined],
  ]);
});

test("a bake that still waits began with its first round", () => {
  const runs = [run("Bake", 1, 60_000), run("JudgeCanary", 61, 1_000, []), run("Bake", 62, undefined)];
  expect(mergeBakeRounds(runs)).toMatchObject([
    { state: "Bake", from: new Date(at + 1_000).toISOString(), ms: undefined },
  ]);
});
