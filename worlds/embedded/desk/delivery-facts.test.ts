import { expect, test } from "vitest";
import type { Execution, StateEvent } from "#platform/deliveries/deliveries.ts";
import { failedDelivery, failedHistory } from "#test/support/desk/sample-deliveries.ts";
import { readDeliveryFacts } from "./delivery-facts.ts";

const running: Execution = { name: "d", status: "RUNNING", input: {}, startedAt: "2026-11-21T13:00:00.000Z" };
const at = "2026-11-21T13:00:01.000Z";
const event = (state: string, status: StateEvent["status"], rest: Partial<StateEvent> = {}): StateEvent => ({
  state,
  status,
  at,
  ms: 5,
  ...rest,
});
const check = { name: "errors", verdict: "pass", measured: 0, limit: 1, unit: "points", detail: "" };

test("the facts of a failed delivery include its error, its remedy and all its checks", () => {
  const facts = readDeliveryFacts(failedDelivery, failedHistory);
  expect(facts).toMatchObject({
    outcome: "failed",
    version: 3,
    error: { name: "GateFailed", remedy: expect.stringContaining("the failed checks show by how much") },
  });
  expect(facts.checks.map(({ title, checks }) => [title, checks.length])).toEqual([
    ["Image scan", 2],
    ["On stage", 7],
  ]);
  expect(facts.stateRuns.find(({ state }) => state === "VerifyStage")).toMatchObject({
    status: "succeeded",
    verdict: "fail",
  });
});

test("each canary check is listed separately, with its share of the traffic", () => {
  const judgeCanary = (share: number) =>
    event("JudgeCanary", "succeeded", {
      output: { ShiftTraffic: { share }, JudgeCanary: { checks: [check] } },
    });
  const facts = readDeliveryFacts(running, [judgeCanary(10), judgeCanary(50)]);
  expect(facts.checks.map(({ title }) => title)).toEqual([
    "Canary check 1 at 10 % of prod",
    "Canary check 2 at 50 % of prod",
  ]);
});

test("the look after the approvers' decision on a canary has its own checks, and the page says who decided", () => {
  const decision = {
    ...{
      status: "approved",
      by: [{ user: "U024BE7LH", name: "Ada", at: "2026-01-01T00:00:00Z" }],
      reason: null,
    },
    ...{ approval: "id", decidedAt: 1, baseline: 1, digest: `sha256:${"d".repeat(64)}`, version: 2 },
  };
  const output = { ShiftTraffic: { share: 10 }, RequestCanaryApproval: decision };
  const facts = readDeliveryFacts(running, [
    event("JudgeCanary", "succeeded", { output: { ...output, JudgeCanary: { checks: [check] } } }),
    event("ResumeCanary", "succeeded", { output: { ...output, ResumeCanary: { checks: [check] } } }),
  ]);
  expect(facts.checks.map(({ title }) => title)).toEqual([
    "Canary check 1 at 10 % of prod",
    "Canary check 2 at 10 % of prod, after the approvers' decision",
  ]);
  expect(facts.canaryDecision).toMatchObject({ status: "approved", by: [{ name: "Ada" }] });
});

test("a retried state is one run, and a state that is entered again is a second run", () => {
  const facts = readDeliveryFacts(running, [
    event("ScanImage", "entered"),
    event("ScanImage", "retried", { error: { name: "Throttled", cause: "" } }),
    event("ScanImage", "succeeded"),
    event("ScanImage", "entered"),
  ]);
  expect(facts.stateRuns).toMatchObject([
    { status: "succeeded", retries: 1, error: undefined },
    { status: "running", retries: 0, ms: undefined },
  ]);
});

test("a state's error is kept when the engine reports the failure, the catch or both", () => {
  const error = { name: "ModelUnreadable", cause: "no such operator" };
  for (const ending of [
    [event("BuildImage", "failed", { error }), event("BuildImage", "caught", { error })],
    [event("BuildImage", "caught", { error })],
  ])
    expect(readDeliveryFacts(running, [event("BuildImage", "entered"), ...ending]).stateRuns).toMatchObject([
      { status: "failed", ms: 5, error },
    ]);
});

test("a state that ran when the delivery was stopped counts as failed", () => {
  const facts = readDeliveryFacts({ ...running, status: "ABORTED" }, [event("RequestApproval", "entered")]);
  expect(facts.stateRuns).toMatchObject([{ status: "failed", ms: undefined }]);
});

test("invalid data is left out, and the rest is shown", () => {
  const facts = readDeliveryFacts(
    { ...running, status: "SUCCEEDED", output: { outcome: "promoted", RegisterModel: 7 } },
    [],
  );
  expect(facts).toMatchObject({ outcome: "promoted", version: undefined });
});
