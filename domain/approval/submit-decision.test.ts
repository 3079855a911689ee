import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { createNewApproval } from "#test/support/record-approval.ts";
import { toyModel } from "#test/support/toy-model.ts";
import { type SubmitDecisionDependencies, submitDecision } from "./submit-decision.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

const delivery = "delivery-c";
const ada = { id: "U024BE7LH", name: "Ada" };
const bob = { id: "U0SECOND1", name: "Bob" };
const approvers = [ada.id, bob.id];

const ask = async (rule: { readonly quorum?: number; readonly authorMayApprove?: boolean } = {}) => {
  world.engine.waiting.add("token");
  const question = createNewApproval(world, {
    delivery,
    letter: "c",
    version: 3,
    rule: { approvers, quorum: 1, authorMayApprove: false, timeout: "PT24H", ...rule },
  });
  return (await world.approvals.ask(question, "token")).id;
};
const slack = {
  users: {
    info: async ({ user }: { user: string }) => ({ user: { profile: { email: `${user}@example.com` } } }),
  },
};
const dependencies = (changes: Partial<SubmitDecisionDependencies> = {}) => ({ ...world, slack, ...changes });
const approve = (approval: string, approver = ada, changes: Partial<SubmitDecisionDependencies> = {}) =>
  submitDecision(dependencies(changes))({ approval, approver, verdict: "approved", reason: null });
const reject = (approval: string, approver = ada) =>
  submitDecision(dependencies())({ approval, approver, verdict: "rejected", reason: "too early" });

test("a decision reaches the waiting task, the message and the metrics", async () => {
  expect(await approve(await ask())).toEqual({ taken: true, sentence: "It is approved by Ada." });
  expect(world.engine.answers).toMatchObject([{ token: "token", output: { status: "approved" } }]);
  expect([...world.slack.shown.values()]).toMatchObject([{ question: { status: "approved" } }]);
  expect(world.readMetricTotal("Approvals", { model: toyModel, decision: "approved" })).toBe(1);
});

test("a rejection reaches the task with its reason", async () => {
  await reject(await ask());
  expect(world.engine.answers).toMatchObject([{ output: { status: "rejected", reason: "too early" } }]);
});

test("an approval below the quorum counts, sends nothing and says how many are missing", async () => {
  const id = await ask({ quorum: 2 });
  const first = await approve(id);
  expect(first).toMatchObject({ taken: true, sentence: expect.stringContaining("1 of 2") });
  expect(world.engine.answers).toEqual([]);
  expect((await approve(id, bob)).sentence).toBe("It is approved by Ada, Bob.");
  expect(world.engine.answers).toHaveLength(1);
});

test("a later decision changes nothing, is counted in no metric and names who decided", async () => {
  const id = await ask();
  await approve(id);
  expect(await reject(id, bob)).toEqual({ taken: false, sentence: "This was already approved by Ada." });
  expect(world.engine.answers).toHaveLength(1);
  expect(world.readMetricTotal("Approvals", { model: toyModel, decision: "rejected" })).toBe(0);
});

test("a decision that a crash kept from the task is sent by the next click, unchanged", async () => {
  const id = await ask();
  const crash = { ...world.approvals, send: () => Promise.reject(new Error("crash")) };
  await expect(approve(id, ada, { approvals: crash })).rejects.toThrow("crash");
  expect([...world.slack.shown.values()]).toMatchObject([{ question: { status: "approved" } }]);
  await reject(id, bob);
  expect(world.engine.answers).toMatchObject([{ output: { status: "approved" } }]);
});

test("an expired approval accepts no decision", async () => {
  const id = await ask();
  world.time.now += 3_600_000;
  expect(await approve(id)).toEqual({ taken: false, sentence: "This approval has expired." });
  expect(world.engine.answers).toEqual([]);
});

test("the approval of a delivery that has ended says how it ended", async () => {
  const id = await ask();
  await world.approvals.withdraw(id, { name: "Superseded", cause: "by a later delivery" });
  expect((await approve(id)).sentence).toBe("This approval was withdrawn.");
  await world.outcomes.keep({
    delivery,
    model: toyModel,
    commit: "c".repeat(40),
    outcome: "superseded",
    error: null,
    at: world.time.now,
  });
  expect((await approve(id)).sentence).toBe("This delivery has ended: superseded.");
});

test("an unknown approval is refused", async () => {
  expect(await approve("toy~unknown")).toMatchObject({ taken: false });
});

describe("an approver's address", () => {
  test("is read from Slack, and the author may not approve", async () => {
    const sam = { users: { info: async () => ({ user: { profile: { email: "Sam@example.com" } } }) } };
    expect((await approve(await ask(), ada, { slack: sam })).taken).toBe(false);
  });

  test("comes from AWS if AWS authenticates one, and Slack is not called", async () => {
    const down = { users: { info: () => Promise.reject(new Error("Slack is down")) } };
    const approver = { ...ada, email: "ada@example.com" };
    expect((await approve(await ask(), approver, { slack: down })).taken).toBe(true);
    expect(world.warnings).toEqual([]);
  });

  test("that Slack does not return makes the decision not count, and warns", async () => {
    const down = { users: { info: () => Promise.reject(new Error("Slack is down")) } };
    expect((await approve(await ask(), ada, { slack: down })).taken).toBe(false);
    expect(world.warnings).toHaveLength(1);
  });
});
