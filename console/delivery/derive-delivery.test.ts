import { expect, test } from "vitest";
import type { DeliveryRecord } from "#domain/overview/delivery-record.ts";
import type { Execution, StateEvent } from "#platform/deliveries/deliveries.ts";
import { createConsoleWorld, openDelivery } from "#test/support/console/console-world.ts";
import { failedDelivery, failedHistory } from "#test/support/desk/sample-deliveries.ts";
import { deriveDelivery } from "./derive-delivery.ts";
import { readStateRuns } from "./read-state-runs.ts";

const at = "2026-11-21T13:00:01.000Z";
const now = Date.parse(at) + 60_000;
const running: Execution = { name: "d", status: "RUNNING", input: {}, startedAt: "2026-11-21T13:00:00.000Z" };
const event = (state: string, status: StateEvent["status"], rest: Partial<StateEvent> = {}): StateEvent => ({
  state,
  status,
  at,
  ms: 5,
  ...rest,
});
const record = (
  execution: Execution | null,
  history: readonly StateEvent[],
  rest: Partial<DeliveryRecord> = {},
): DeliveryRecord => ({
  delivery: "d",
  model: "churn",
  execution,
  history,
  questions: [],
  stage: null,
  prod: null,
  serving: null,
  outcome: null,
  rolledBack: null,
  hold: null,
  closed: null,
  control: null,
  bakeSeconds: null,
  ...rest,
});
const check = { name: "errors", verdict: "pass", measured: 0, limit: 1, unit: "points", detail: "" };
const boxesOf = (view: ReturnType<typeof deriveDelivery>) =>
  Object.fromEntries(view.boxes.map(({ name, status }) => [name, status]));

test("a failed delivery says its error, its remedy, where it stopped, and all its checks", () => {
  const view = deriveDelivery(record(failedDelivery, failedHistory), now);
  expect(view).toMatchObject({
    outcome: "failed",
    version: 3,
    current: null,
    error: { name: "GateFailed", remedy: expect.stringContaining("the failed checks show by how much") },
  });
  expect(view.groups.map(({ title, checks }) => [title, checks.length])).toEqual([
    ["Image scan", 2],
    ["On stage", 7],
  ]);
  expect(boxesOf(view)).toMatchObject({
    Stage: "done",
    Verify: "failed",
    Approval: "unreached",
    Prod: "unreached",
  });
  expect(view.runs.find(({ state }) => state === "VerifyStage")).toMatchObject({
    status: "succeeded",
    verdict: "fail",
  });
});

test("each canary check is listed separately, with its share of the traffic; one after a decision says so", () => {
  const judge = (state: string, share: number) =>
    event(state, "succeeded", {
      output: { ShiftTraffic: { share, bakeSeconds: 60 }, [state]: { checks: [check] } },
    });
  const entered = ["JudgeCanary", "JudgeCanary", "ResumeCanary"].map((state) => event(state, "entered"));
  const ended = [judge("JudgeCanary", 10), judge("JudgeCanary", 50), judge("ResumeCanary", 50)];
  const history = entered.flatMap((each, index) => [each, ...ended.slice(index, index + 1)]);
  const view = deriveDelivery(record(running, history), now);
  expect(view.groups.map(({ title }) => title)).toEqual([
    "Canary check 1 at 10 % of prod",
    "Canary check 2 at 50 % of prod",
    "Canary check 3 at 50 % of prod, after the approvers' decision",
  ]);
});

test("a baking canary says when it is judged next, by this world's time for a bake", () => {
  const output = { ShiftTraffic: { share: 10, bakeSeconds: 1_800 } };
  const history = [
    event("ShiftTraffic", "entered"),
    event("ShiftTraffic", "succeeded", { output }),
    event("Bake", "entered"),
  ];
  const judgedAt = (bakeSeconds: number | null) =>
    deriveDelivery(record(running, history, { bakeSeconds }), now).current?.judgedAt;
  expect(judgedAt(null)).toBe(Date.parse(at) + 1_800_000);
  expect(judgedAt(3)).toBe(Date.parse(at) + 3_000);
  const view = deriveDelivery(record(running, history), now);
  expect(view.current?.doing).toBe("The canary gets 10 % of prod's traffic");
  expect(boxesOf(view)).toMatchObject({ Canary: "current", Prod: "waiting" });
});

test("a first version that was promoted needed no canary", () => {
  const states = ["BuildImage", "DeployProd", "PromoteModel"];
  const history = states.flatMap((state) => [event(state, "entered"), event(state, "succeeded")]);
  const outcome = {
    delivery: "d",
    model: "churn",
    commit: "c",
    outcome: "promoted",
    error: null,
    at: 1,
  } as const;
  const view = deriveDelivery(record({ ...running, status: "SUCCEEDED" }, history, { outcome }), now);
  expect(boxesOf(view)).toMatchObject({ Build: "done", Canary: "skipped", Prod: "done" });
});

test("the stored outcome has the last word, because the sweep may end what the engine could not", () => {
  const outcome = {
    delivery: "d",
    model: "churn",
    commit: "c",
    outcome: "promoted",
    error: null,
    at: 1,
  } as const;
  const aborted: Execution = { ...running, status: "ABORTED", error: { name: "Interrupted", cause: "" } };
  expect(deriveDelivery(record(aborted, [], { outcome }), now)).toMatchObject({
    outcome: "promoted",
    error: null,
  });
  expect(deriveDelivery(record(aborted, []), now)).toMatchObject({
    outcome: "failed",
    error: { name: "Interrupted" },
  });
});

test("a delivery whose execution is no longer kept is shown from its stored facts", () => {
  const outcome = {
    ...({ delivery: "d", model: "churn", commit: "c".repeat(40), outcome: "failed", at: 1 } as const),
    error: { name: "GateFailed", cause: "accuracy" },
  } as const;
  expect(deriveDelivery(record(null, [], { outcome }), now)).toMatchObject({
    commit: "c".repeat(40),
    outcome: "failed",
    endedAt: 1,
    error: { name: "GateFailed", cause: "accuracy" },
  });
});

test("a retried state is one run, and a state that is entered again is a second run", () => {
  const runs = readStateRuns(
    [
      event("ScanImage", "entered"),
      event("ScanImage", "retried", { error: { name: "Throttled", cause: "" } }),
      event("ScanImage", "succeeded"),
      event("ScanImage", "entered"),
    ],
    false,
  );
  expect(runs).toMatchObject([
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
    expect(readStateRuns([event("BuildImage", "entered"), ...ending], false)).toMatchObject([
      { status: "failed", ms: 5, error },
    ]);
});

test("a state that ran when the delivery was stopped counts as failed", () => {
  expect(readStateRuns([event("RequestApproval", "entered")], true)).toMatchObject([
    { status: "failed", ms: undefined },
  ]);
});

test("invalid data is left out, and the rest is shown", () => {
  const output = { outcome: "promoted", RegisterModel: 7, ScanImage: { checks: [check] } };
  const history = [event("ScanImage", "entered"), event("ScanImage", "succeeded", { output })];
  const view = deriveDelivery(record({ ...running, output }, history), now);
  expect(view).toMatchObject({ version: null, groups: [{ title: "Image scan" }] });
});

test("both versions' figures are those of the question, which knows the champion's cold start", async () => {
  const { world } = await createConsoleWorld();
  const [question] = await world.approvals.ofDelivery(openDelivery);
  world.close();
  if (!question) throw new Error("the delivery has no question");
  const measured = {
    ...{ name: "cold start", unit: "ms", champion: null, challenger: 122, interval: null },
    ...{ limit: "", verdict: null },
  };
  const asked = { ...measured, champion: 1_830 };
  const questions = [{ ...question, evidence: { ...question.evidence, comparisons: [asked] } }];
  const output = { VerifyStage: { checks: [], comparisons: [measured] } };
  const history = [event("VerifyStage", "entered"), event("VerifyStage", "succeeded", { output })];
  expect(deriveDelivery(record(running, history), now).comparisons).toEqual([measured]);
  expect(deriveDelivery(record(running, history, { questions }), now).comparisons).toEqual([asked]);
});

test("between a question's end and its task's, the page says what comes, not a time that has passed", async () => {
  const { world } = await createConsoleWorld();
  const [question] = await world.approvals.ofDelivery(openDelivery);
  world.close();
  if (!question) throw new Error("the delivery has no question");
  const history = [event("RequestApproval", "entered")];
  const at = (later: number) =>
    deriveDelivery(record(running, history, { questions: [question] }), question.expiresAt + later);
  expect(at(-1_000).current).toMatchObject({
    doing: expect.stringContaining("Waiting for the approvers"),
    end: { at: question.expiresAt },
  });
  expect(at(40_000)).toMatchObject({
    headline: expect.stringMatching(/: the approval expired$/),
    current: { doing: "The approval expired: the delivery ends within a minute", end: null },
  });
});
