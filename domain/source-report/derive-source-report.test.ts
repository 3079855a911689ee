import { describe, expect, test } from "vitest";
import { Approval } from "#domain/approval/approval-records.ts";
import { emptyControl } from "#domain/canary/canary-control.ts";
import type { Outcome } from "#domain/delivery/outcomes.ts";
import type { Deployment } from "#domain/ledger/ledger.ts";
import type { MessageFacts } from "#domain/message/message-state.ts";
import { approvalDefaults } from "#test/support/approval-defaults.ts";
import { fakeDigest } from "#test/support/toy-model.ts";
import { deriveSourceReport } from "./derive-source-report.ts";

const about = { model: "churn", commit: "c".repeat(40) };
const build = (state: object): Approval =>
  Approval.parse({
    id: "churn~1",
    delivery: "churn-1",
    ...about,
    digest: fakeDigest("d"),
    version: 2,
    ...approvalDefaults,
    author: { name: "Sam", email: "sam@example.com" },
    rule: { approvers: ["U011"], quorum: 1, authorMayApprove: true, timeout: "PT24H" },
    evidence: { champion: null, changed: [], checks: [], omitted: [], owner: "team@example.com" },
    askedAt: 0,
    expiresAt: 1_000,
    token: "t",
    state,
  });
const open = build({ status: "pending", votes: [] });
const decide = (status: "approved" | "rejected") =>
  build({
    status: "sent",
    decision: {
      status,
      by: [{ user: "U011", name: "Ada", at: "now" }],
      reason: status === "rejected" ? "Sam's data is wrong" : null,
      approval: "churn~1",
      decidedAt: 1,
      baseline: 0,
      digest: fakeDigest("d"),
      version: 2,
    },
  });
const deploy = (status: Deployment["status"], percent?: number) =>
  ({
    sequence: 2,
    version: 2,
    status,
    shares: percent === undefined ? [] : [{ percent, from: 1 }],
  }) as unknown as Deployment;
const end = (outcome: Outcome) => ({
  delivery: "churn-1",
  ...about,
  outcome,
  at: 5,
  error: outcome === "failed" ? { name: "GateFailed", cause: "Sam's accuracy" } : null,
});
const derive = (changes: Partial<MessageFacts>, shown?: { stage?: string; prod?: string }) =>
  deriveSourceReport(
    about,
    {
      delivery: "churn-1",
      questions: [],
      deployment: undefined,
      serving: undefined,
      rolledBack: undefined,
      ended: undefined,
      now: 1,
      ...changes,
    },
    "https://slipway.example.com/churn-1",
    shown,
  );

const promoted = deploy("promoted", 100);
const cases: readonly [string, Partial<MessageFacts>, string, string, string | undefined][] = [
  ["before its question", {}, "pending", "in_progress", undefined],
  ["with an open question", { questions: [open] }, "pending", "success", "pending"],
  ["once approved", { questions: [decide("approved")] }, "pending", "success", "queued"],
  [
    "on a canary",
    { questions: [decide("approved")], deployment: deploy("canary", 10) },
    "pending",
    "success",
    "in_progress",
  ],
  [
    "promoted",
    { questions: [decide("approved")], deployment: promoted, serving: promoted, ended: end("promoted") },
    "success",
    "success",
    "success",
  ],
  [
    "promoted and replaced",
    {
      questions: [decide("approved")],
      deployment: promoted,
      serving: { ...promoted, sequence: 3 },
      ended: end("promoted"),
    },
    "success",
    "success",
    "inactive",
  ],
  [
    "promoted and rolled back",
    {
      questions: [decide("approved")],
      deployment: promoted,
      serving: { ...promoted, sequence: 3 },
      ended: end("promoted"),
      rolledBack: { kind: "taken back", by: "ada: slow" },
    },
    "failure",
    "inactive",
    "inactive",
  ],
  [
    "rejected",
    { questions: [decide("rejected")], ended: end("rejected") },
    "failure",
    "inactive",
    "inactive",
  ],
  ["expired", { questions: [open], ended: end("expired"), now: 2_000 }, "failure", "inactive", "inactive"],
  ["superseded before its question", { ended: end("superseded") }, "error", "inactive", undefined],
  ["unchanged", { ended: end("unchanged") }, "success", "inactive", undefined],
  ["failed on stage", { ended: end("failed") }, "failure", "failure", undefined],
  [
    "failed on prod",
    { questions: [decide("approved")], deployment: deploy("ended"), ended: end("failed") },
    "failure",
    "inactive",
    "failure",
  ],
];

describe("what GitHub shows of a delivery", () => {
  test.each(cases)("%s", (_, changes, summary, stage, prod) => {
    const report = derive(changes);
    const states = new Map(report.environments.map(({ environment, state }) => [environment, state]));
    expect([report.summary.state, states.get("stage"), states.get("prod")]).toEqual([summary, stage, prod]);
  });

  test("never names a person or a reason, because others see the repository", () => {
    for (const [, changes] of cases) expect(JSON.stringify(derive(changes))).not.toMatch(/ada|sam|U011/i);
  });

  test("says the share of a canary and the name of an error", () => {
    const canary = derive({ questions: [decide("approved")], deployment: deploy("canary", 10) });
    expect(canary.environments[1]?.text).toBe("Canary: version 2 gets 10 % of prod's traffic");
    expect(derive({ ended: end("failed") }).summary.text).toBe("churn: Failed: GateFailed");
  });

  test("never says who ordered what about a canary, and why", () => {
    const order = { by: "U011", name: "Ada", at: 0, reason: "Sam's data" };
    const held = { ...emptyControl, holds: [{ ...order, until: 9_000_000, endedAt: null }] };
    for (const control of [held, { ...emptyControl, abort: order }]) {
      const canary = derive({ questions: [decide("approved")], deployment: deploy("canary", 10), control });
      expect(canary.environments[1]?.text).toBe("Canary: version 2 gets 10 % of prod's traffic");
      expect(JSON.stringify(canary)).not.toMatch(/ada|sam|U011/i);
    }
  });

  const ended = { questions: [decide("approved")], deployment: promoted, ended: end("promoted") };

  test("a version that a rollback brought back serves again, although prod's entry is the rollback's", () => {
    const report = derive(
      { ...ended, serving: { ...promoted, sequence: 9 } },
      { stage: "churn-1", prod: "churn-1" },
    );
    expect(report.summary.text).toBe("churn v2: serves prod");
    expect(report.environments.map(({ state }) => state)).toEqual(["success", "success"]);
  });

  test("a version that another has replaced on stage is inactive there, whatever comes late", () => {
    const report = derive({ ...ended, serving: promoted }, { stage: "churn-2", prod: "churn-1" });
    expect(report.environments.map(({ state }) => state)).toEqual(["inactive", "success"]);
  });
});
