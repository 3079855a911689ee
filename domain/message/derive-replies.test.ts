import { describe, expect, test } from "vitest";
import { Approval } from "#domain/approval/approval-records.ts";
import type { Deployment } from "#domain/ledger/ledger.ts";
import { approvalDefaults } from "#test/support/approval-defaults.ts";
import { fakeDigest } from "#test/support/toy-model.ts";
import { deriveReplies } from "./derive-replies.ts";
import type { MessageFacts } from "./message-state.ts";

const hour = 3_600_000;
const build = (changes: object = {}): Approval =>
  Approval.parse({
    id: "churn~1",
    delivery: "churn-1",
    model: "churn",
    commit: "c".repeat(40),
    digest: fakeDigest("d"),
    version: 2,
    ...approvalDefaults,
    author: { name: "Sam", email: "sam@example.com" },
    rule: { approvers: ["U011"], quorum: 1, authorMayApprove: true, timeout: "PT24H" },
    evidence: { champion: null, changed: [], checks: [], omitted: [], owner: "team@example.com" },
    askedAt: 0,
    expiresAt: 24 * hour,
    token: "t",
    state: { status: "pending", votes: [] },
    ...changes,
  });
const decide = (status: "approved" | "rejected") => ({
  status: "sent",
  decision: {
    status,
    by: [{ user: "U011", name: "Ada", at: "now" }],
    reason: status === "rejected" ? "no" : null,
    approval: "churn~1",
    decidedAt: 1,
    baseline: 0,
    digest: fakeDigest("d"),
    version: 2,
  },
});
const facts = (changes: Partial<MessageFacts>): MessageFacts => ({
  delivery: "churn-1",
  questions: [build()],
  deployment: undefined,
  serving: undefined,
  rolledBack: undefined,
  ended: undefined,
  now: 1,
  ...changes,
});
const end = (outcome: "failed" | "expired" | "promoted" | "superseded") => ({
  ...{ delivery: "churn-1", model: "churn", commit: "c".repeat(40), outcome, at: 5 },
  error: outcome === "failed" ? { name: "GateFailed", cause: "accuracy" } : null,
});
const tell = (changes: Partial<MessageFacts>) =>
  deriveReplies(facts(changes)).map(({ id, broadcast }) => `${id}${broadcast ? ", in the channel" : ""}`);

describe("what is told in a delivery's thread", () => {
  test("nothing while its first question is fresh: the message is the question", () =>
    expect(tell({})).toEqual([]));

  test("each step, in order, quietly", () => {
    const deployment = { version: 2, shares: [{ percent: 10 }, { percent: 50 }, { percent: 100 }] };
    const questions = [build({ state: decide("approved") })];
    expect(
      tell({ questions, deployment: deployment as unknown as Deployment, ended: end("promoted") }),
    ).toEqual(["decided churn~1", "share 0", "share 1", "ended promoted"]);
  });

  test("a later question in the channel, because the edited message notifies nobody", () => {
    const second = build({ id: "churn~2", canary: { step: 0, percent: 10 } });
    const [, asked] = deriveReplies(facts({ questions: [build({ state: decide("approved") }), second] }));
    expect(asked).toMatchObject({
      id: "asked churn~2",
      broadcast: true,
      mentions: { users: ["U011"] },
      says: { canaryPercent: 10 },
    });
  });

  test("a reminder to the approvers who have not answered: not to who voted, nor to whose answer waits for an address", () => {
    const question = build({
      rule: {
        approvers: ["U011", "U012", "U013"],
        ...{ quorum: 2, authorMayApprove: true, timeout: "PT24H" },
      },
      state: { status: "pending", votes: [{ user: "U011", name: "Ada", at: "now" }] },
      postponed: [{ user: "U012", name: "Bob", verdict: "approved", reason: null, at: 1 }],
    });
    expect(deriveReplies(facts({ questions: [question], now: 23 * hour }))).toMatchObject([
      { id: "reminder churn~1", mentions: { users: ["U013"] } },
    ]);
  });

  test("a failed or expired delivery in the channel, with its author and its owner", () => {
    for (const outcome of ["failed", "expired"] as const)
      expect(deriveReplies(facts({ ended: end(outcome) }))).toMatchObject([
        {
          id: `ended ${outcome}`,
          broadcast: true,
          mentions: { addresses: ["sam@example.com", "team@example.com"] },
        },
      ]);
  });

  test("a delivery that failed before its question to its author and its owner, where its message is", () => {
    const failed = { questions: [], ended: end("failed") };
    const people = { author: "sam@example.com", owner: "S0614TZR7" };
    expect(deriveReplies(facts({ ...failed, people }))).toMatchObject([
      { broadcast: false, mentions: { users: ["S0614TZR7"], addresses: ["sam@example.com"] } },
    ]);
    const unread = { author: "", owner: null };
    expect(deriveReplies(facts({ ...failed, people: unread }))).toMatchObject([
      { mentions: { users: [], addresses: [] } },
    ]);
  });

  test("the reason of a rejection to the author", () => {
    expect(deriveReplies(facts({ questions: [build({ state: decide("rejected") })] }))).toMatchObject([
      { says: { reason: "no" }, mentions: { addresses: ["sam@example.com", "team@example.com"] } },
    ]);
  });

  test("a person's rollback in the channel: who, why, from which version to which; not also that it was superseded", () => {
    const replies = deriveReplies(
      facts({
        rolledBack: { by: "ada: wrong answers", kind: "taken back" },
        deployment: { version: 2, shares: [] } as unknown as Deployment,
        serving: { version: 1 } as unknown as Deployment,
        ended: end("superseded"),
      }),
    );
    expect(replies).toMatchObject([
      {
        id: "rolled back",
        broadcast: true,
        says: { by: "ada: wrong answers", from: 2, to: 1 },
      },
    ]);
  });

  test.each([
    [24, 19, false],
    [24, 20, true],
    [24, 24, false],
    [1, 0.7, false],
    [1, 0.8, true],
  ])("of a question of %d hours, after %d hours: a reminder %s", (hours, passed, isTold) => {
    const questions = [build({ expiresAt: hours * hour })];
    expect(tell({ questions, now: passed * hour })).toEqual(
      isTold ? ["reminder churn~1, in the channel"] : [],
    );
    expect(
      tell({
        questions: [build({ expiresAt: hours * hour, state: decide("approved") })],
        now: passed * hour,
      }),
    ).toEqual(["decided churn~1"]);
  });
});
