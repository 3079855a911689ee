import { expect, test } from "vitest";
import { mergeWaits } from "./merge-waits.ts";
import type { StateRun } from "./read-state-runs.ts";

const at = Date.UTC(2026, 10, 29, 20);
const run = (state: string, second: number, ms: number | undefined, output?: object): StateRun => ({
  ...{ state, from: new Date(at + second * 1_000).toISOString(), ms, verdict: undefined, retries: 0 },
  status: ms === undefined ? "running" : "succeeded",
  error: undefined,
  output: output && { ClaimProd: { ...output } },
});
const frozen = { status: "held", why: "churn is frozen", until: null, waitSeconds: 60 };
const busy = { status: "busy", holder: "churn-2" };
const list = (runs: readonly StateRun[]) =>
  mergeWaits(runs).map(({ state, from, ms }) => [state, (Date.parse(from) - at) / 1_000, ms]);

test("a wait for prod is one wait, however often the delivery looked", () => {
  expect(
    list([
      run("ClaimProd", 0, 1_000, frozen),
      run("IsProdClaimed", 1, 0),
      run("AwaitOpening", 1, 60_000),
      run("ClaimProd", 61, 1_000, frozen),
      run("IsProdClaimed", 62, 0),
      run("AwaitOpening", 62, 60_000),
      run("ClaimProd", 122, 1_000, { status: "granted", fence: 4 }),
      run("IsProdClaimed", 123, 0),
      run("DeployProd", 123, undefined),
    ]),
  ).toEqual([
    ["ClaimProd", 0, 1_000],
    ["IsProdClaimed", 1, 0],
    ["AwaitOpening", 1, 121_000],
    ["ClaimProd", 122, 1_000],
    ["IsProdClaimed", 123, 0],
    ["DeployProd", 123, undefined],
  ]);
});

test("a held canary is one wait, also where its rounds are left out", () => {
  expect(
    list([
      run("HoldResumedCanary", 0, 60_000),
      run("HoldResumedCanary", 61, 60_000),
      run("JudgeCanary", 121, 1),
    ]),
  ).toEqual([
    ["HoldResumedCanary", 0, 121_000],
    ["JudgeCanary", 121, 1],
  ]);
});

test("a wait for something else is a second one, and one that goes on began with its first look", () => {
  expect(
    list([
      run("ClaimProd", 0, 1_000, busy),
      run("AwaitProd", 1, 60_000),
      run("ClaimProd", 61, 1_000, frozen),
      run("AwaitOpening", 62, 60_000),
      run("ClaimProd", 122, 1_000, frozen),
      run("AwaitOpening", 123, undefined),
    ]),
  ).toEqual([
    ["ClaimProd", 0, 1_000],
    ["AwaitProd", 1, 60_000],
    ["ClaimProd", 61, 1_000],
    ["AwaitOpening", 62, undefined],
  ]);
});
