import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { NewApproval } from "#domain/approval/approvals.ts";
import { type FollowUp, finishApproval } from "#domain/approval/finish-approval.ts";
import { createHolds } from "#domain/changes/holds.ts";
import { moveChampion } from "#lambdas/move-champion/move-champion.ts";
import { reportOutcome } from "#lambdas/report-outcome/report-outcome.ts";
import { rollBack } from "#lambdas/roll-back/roll-back.ts";
import { sweepDeliveries } from "#lambdas/sweep-deliveries/sweep-deliveries.ts";
import { renderMessageBlocks } from "#slack/message-blocks.ts";
import { approvalDefaults } from "#test/support/approval-defaults.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { createNewApproval } from "#test/support/record-approval.ts";
import { toyModel } from "#test/support/toy-model.ts";
import { signSlackRequest } from "#worlds/embedded/desk/sign-slack-request.ts";
import { type AnswerApprovalDependencies, answerApproval, maxCallbackBytes } from "./answer-approval.ts";

let world: MemoryWorld;
let dialogs: unknown[];
let followUps: FollowUp[];
beforeEach(() => {
  world = createMemoryWorld();
  dialogs = [];
  followUps = [];
});
afterEach(() => world.close());

const ada = { id: "U024BE7LH", username: "ada" };
const ok = { ok: true } as const;

const ask = async (changes: Partial<NewApproval> = {}) => {
  world.engine.waiting.add("token");
  const newApproval = createNewApproval(world, {
    delivery: "delivery-c",
    letter: "c",
    version: 3,
    ...changes,
  });
  return (await world.approvals.ask(newApproval, "token")).id;
};
const createAnswer = (changes: Partial<AnswerApprovalDependencies> = {}) =>
  answerApproval({
    ...world,
    slack: {
      views: {
        open: async (dialog) => {
          dialogs.push(dialog);
          return ok;
        },
      },
    },
    startFollowUp: async (followUp) => void followUps.push(followUp),
    signingSecrets: async () => ["secret"],
    teamId: "T1",
    appId: "A1",
    ...changes,
  });
/** Sends bytes with a valid signature. */
const post = (body: string, changes: Partial<AnswerApprovalDependencies> = {}) => {
  const seconds = Math.floor(world.time.now / 1_000);
  return createAnswer(changes)({
    rawBody: Buffer.from(body),
    headers: {
      "x-slack-request-timestamp": String(seconds),
      "x-slack-signature": signSlackRequest("secret", seconds, body),
    },
  });
};
const send = (payload: object, changes: Partial<AnswerApprovalDependencies> = {}) =>
  post(
    `payload=${encodeURIComponent(
      JSON.stringify({
        user: ada,
        team: { id: "T1" },
        api_app_id: "A1",
        trigger_id: "trigger",
        channel: { id: "C1" },
        ...payload,
      }),
    )}`,
    changes,
  );
const click = (action: string, approval: string, more: object = {}) =>
  send({ type: "block_actions", actions: [{ action_id: action, value: approval }], ...more });
const submit = (approval: string, reason: string | null, callback = "reject-reason") =>
  send({
    type: "view_submission",
    view: {
      callback_id: callback,
      private_metadata: approval,
      state: { values: { reason: { reason: { value: reason } } } },
    },
  });
const statusOf = async (approval: string) => (await world.approvals.read(approval))?.state.status;

/** Runs what the answers have left to asynchronous invocations. */
const runFollowUps = async (changes: Partial<Parameters<typeof finishApproval>[0]> = {}) => {
  for (const followUp of followUps.splice(0)) await finishApproval({ ...world, ...changes })(followUp);
};

const sweep = (changes: Partial<Parameters<typeof sweepDeliveries>[0]> = {}) =>
  sweepDeliveries({
    ...world,
    rollBack: rollBack(world),
    moveChampion: moveChampion(world),
    reportOutcome: reportOutcome(world),
    ...changes,
  })({});

test("Approve stores the decision before the acknowledgement; the follow-up sends it and updates the message", async () => {
  const id = await ask();
  expect(await click("approve", id)).toEqual({ status: 200, body: "" });
  expect(await statusOf(id)).toBe("decided");
  expect(world.engine.answers).toEqual([]);
  expect(world.slack.shown.size).toBe(0);
  await runFollowUps();
  expect(await statusOf(id)).toBe("sent");
  expect([...world.slack.shown.values()]).toMatchObject([{ question: { status: "approved" } }]);
  expect(world.notes).toEqual([]);
});

test("a follow-up contains the approval's id alone, and for a note two ids of Slack: no token, no name, no reason", async () => {
  const id = await ask();
  await submit(id, "the reason");
  await click("approve", id, { user: { id: "U0OTHER", username: "mallory" } });
  expect(followUps).toEqual([
    { followUp: "finish-approval", approval: id, explainTo: null },
    { followUp: "finish-approval", approval: id, explainTo: { user: "U0OTHER", channel: "C1" } },
  ]);
});

test("an Approve that does not count shows its user why, and no other user", async () => {
  const id = await ask();
  await click("approve", id, { user: { id: "U0OTHER" } });
  expect(await statusOf(id)).toBe("pending");
  await runFollowUps();
  expect(world.notes).toEqual([
    { channel: "C1", user: "U0OTHER", text: expect.stringContaining("not an approver") },
  ]);
});

test("a later click gets a note that says who decided", async () => {
  const id = await ask();
  await click("approve", id);
  await click("approve", id);
  await runFollowUps();
  expect(world.notes).toMatchObject([{ user: ada.id, text: "This was already approved by ada." }]);
});

test("a click on an approval that does not exist gets a note", async () => {
  await click("approve", "toy~unknown");
  await runFollowUps();
  expect(world.notes).toMatchObject([{ channel: "C1", text: "This approval no longer exists." }]);
});

describe("an approval of inconclusive checks", () => {
  const inconclusive = {
    ...approvalDefaults.evidence,
    checks: [
      { name: "auc", verdict: "inconclusive", measured: 0.8, limit: 0.75, unit: "", detail: "" } as const,
    ],
  };
  const confirm = (approval: string, typed: string | null, more: object = {}) =>
    send({
      type: "view_submission",
      view: {
        callback_id: "confirm-approval",
        private_metadata: approval,
        state: { values: { confirmation: { confirmation: { value: typed } } } },
      },
      ...more,
    });

  test("a click decides nothing, whichever message it comes from: it opens a dialog for the model's name", async () => {
    const id = await ask({ evidence: inconclusive });
    for (const _ of [1, 2]) expect(await click("approve", id)).toEqual({ status: 200, body: "" });
    expect(await world.approvals.read(id)).toMatchObject({ state: { status: "pending", votes: [] } });
    expect(followUps).toEqual([]);
    expect(dialogs).toMatchObject([{}, { trigger_id: "trigger", view: { private_metadata: id } }]);
    expect(JSON.stringify(dialogs[0])).toContain("1 check is inconclusive (auc).");
    expect(JSON.stringify(dialogs[0])).toContain("Type toy to approve nevertheless");
  });

  test.each(["", "yes", "toy2", null])(
    "typing %j keeps the dialog open and decides nothing",
    async (typed) => {
      const id = await ask({ evidence: inconclusive });
      const { body } = await confirm(id, typed);
      expect(JSON.parse(body)).toEqual({
        response_action: "errors",
        errors: { confirmation: "Type the model's name: toy" },
      });
      expect(await statusOf(id)).toBe("pending");
    },
  );

  test.each(["toy", " Toy "])("typing %j decides", async (typed) => {
    const id = await ask({ evidence: inconclusive });
    expect(await confirm(id, typed)).toEqual({ status: 200, body: "" });
    expect(await statusOf(id)).toBe("decided");
    await runFollowUps();
    expect(world.engine.answers).toMatchObject([{ output: { status: "approved" } }]);
  });

  test("the dialog decides nothing for a user who may not, or after a decision", async () => {
    const id = await ask({ evidence: inconclusive });
    const refused = await confirm(id, "toy", { user: { id: "U0OTHER", username: "mallory" } });
    expect(refused.body).toContain("You are not an approver");
    await submit(id, "not now");
    expect((await confirm(id, "toy")).body).toContain("This was already rejected by ada.");
  });

  test("a rejection needs no name", async () => {
    const id = await ask({ evidence: inconclusive });
    await submit(id, "not now");
    expect(await statusOf(id)).toBe("decided");
  });

  test("a vote that waits for an address keeps what was typed; one without it never counts", async () => {
    const rule = { ...approvalDefaults.rule, authorMayApprove: false };
    const id = await ask({ evidence: inconclusive, rule });
    await confirm(id, "toy");
    expect(await world.approvals.read(id)).toMatchObject({ postponed: [{ confirmation: "toy" }] });
    const postponed = (await world.approvals.read(id))?.postponed?.[0];
    if (!postponed) throw new Error("the vote must wait");
    const { confirmation: _, ...unconfirmed } = postponed;
    const known = { email: "ada@example.com", at: world.time.now };
    expect(await world.approvals.judge(id, unconfirmed, known)).toMatchObject({ result: "unconfirmed" });
    expect(await world.approvals.judge(id, postponed, known)).toMatchObject({ result: "decided" });
  });
});

describe("breaking the glass of a closed prod", () => {
  const rule = { ...approvalDefaults.rule, approvers: [ada.id, "U0SECOND1"] };
  const eve = { user: { id: "U0SECOND1", username: "eve" } };
  const submitReason = (approval: string, reason: string, more: object = {}) =>
    send({
      type: "view_submission",
      view: {
        callback_id: "break-glass",
        private_metadata: approval,
        state: { values: { "break-glass-reason": { "break-glass-reason": { value: reason } } } },
      },
      ...more,
    });
  const hold = async (changes: Partial<NewApproval> = {}) => {
    const id = await ask({ rule, ...changes });
    await click("approve", id);
    await runFollowUps();
    const closure = { until: null, why: "frozen" };
    await createHolds(world).hold({ delivery: "delivery-c", model: toyModel }, closure, world.time.now);
    return id;
  };

  test("asks for a reason; one more approver with a reason lets the delivery go on, and the message says so", async () => {
    const id = await hold();
    expect(await click("break-glass", id, eve)).toEqual({ status: 200, body: "" });
    expect(dialogs).toMatchObject([{ view: { callback_id: "break-glass", private_metadata: id } }]);
    expect((await submitReason(id, "  ", eve)).body).toContain("Enter a reason");
    expect((await world.approvals.read(id))?.breakGlass).toBeUndefined();
    expect(await submitReason(id, "prices are wrong", eve)).toEqual({ status: 200, body: "" });
    await runFollowUps();
    expect(await world.approvals.read(id)).toMatchObject({
      breakGlass: { user: "U0SECOND1", name: "eve", reason: "prices are wrong", at: world.time.now },
    });
    const [state] = [...world.slack.shown.values()];
    if (!state) throw new Error("the delivery must have a message");
    const { blocks } = renderMessageBlocks(state, undefined);
    expect(JSON.stringify(blocks)).toContain("<@U0SECOND1> let this delivery change it:* prices are wrong");
    expect(JSON.stringify(blocks)).not.toContain("Break the glass");
  });

  test("is refused to who approved it, and to who is no approver", async () => {
    const id = await hold();
    expect((await submitReason(id, "urgent")).body).toContain("needs one more approver than the quorum");
    const mallory = { user: { id: "U0OTHER", username: "mallory" } };
    expect((await submitReason(id, "urgent", mallory)).body).toContain("You are not an approver");
    expect((await world.approvals.read(id))?.breakGlass).toBeUndefined();
  });

  describe("by an approver whom only a user group names", () => {
    const group = "S0TEAM";
    const lists = [[ada.id, group]];
    const contributors = {
      people: ["sam@example.com"],
      addresses: ["sam@example.com"],
      unmapped: [],
      approvers: [],
      leftOut: [],
      known: { domains: ["example.com"], elsewhere: [] },
      shown: [ada.id, "U0SECOND1"].map((user) => ({ user, email: `${user.toLowerCase()}@example.com` })),
      groups: { lists, members: [{ group, users: ["U0SECOND1"] }] },
    };
    const createGroups = (users: readonly string[] | Error) => ({
      readGroups: async () => {
        if (users instanceof Error) throw users;
        return new Map([[group, users]]);
      },
    });
    const breakGlass = async () => {
      const id = await hold({ contributors });
      expect(await submitReason(id, "prices are wrong", eve)).toEqual({ status: 200, body: "" });
      return id;
    };
    const renderMessage = () => {
      const [state] = [...world.slack.shown.values()];
      return JSON.stringify(state && renderMessageBlocks(state, undefined).blocks);
    };

    test("it counts once Slack confirms that they are still a member", async () => {
      const id = await breakGlass();
      expect((await world.approvals.read(id))?.breakGlass).toBeUndefined();
      await runFollowUps(createGroups(["U0SECOND1"]));
      expect(await world.approvals.read(id)).toMatchObject({
        breakGlass: { user: "U0SECOND1", name: "eve", reason: "prices are wrong", at: world.time.now },
      });
      expect(renderMessage()).toContain("<@U0SECOND1> let this delivery change it:* prices are wrong");
      expect(world.notes).toEqual([]);
    });

    test("it does not count for who left the group, and they read why", async () => {
      const id = await breakGlass();
      await runFollowUps(createGroups([]));
      expect((await world.approvals.read(id))?.breakGlass).toBeUndefined();
      expect(world.notes).toMatchObject([
        { user: "U0SECOND1", text: expect.stringContaining("no longer in the user group") },
      ]);
      await runFollowUps(createGroups(["U0SECOND1"]));
      await sweep(createGroups(["U0SECOND1"]));
      expect((await world.approvals.read(id))?.breakGlass).toBeUndefined();
    });

    test("while Slack is down it waits, the message says so, and the sweep lets it count", async () => {
      const id = await breakGlass();
      const isDown = createGroups(new Error("Slack is down"));
      await expect(runFollowUps(isDown)).rejects.toThrow("Slack is down");
      expect(renderMessage()).toContain("<@U0SECOND1> broke the glass: it counts once Slack confirms");
      await sweep(isDown);
      expect((await world.approvals.read(id))?.breakGlass).toBeUndefined();
      await sweep(createGroups(["U0SECOND1"]));
      expect(await world.approvals.read(id)).toMatchObject({ breakGlass: { user: "U0SECOND1" } });
      expect(renderMessage()).not.toContain("it counts once");
      expect(await world.approvals.unfinished()).toEqual([]);
    });

    test("it is refused where they contributed to the change", async () => {
      const address = "u0second1@example.com";
      const id = await hold({
        contributors: { ...contributors, people: [address], addresses: [address] },
        rule: { ...rule, authorMayApprove: false },
      });
      await submitReason(id, "prices are wrong", eve);
      await runFollowUps(createGroups(["U0SECOND1"]));
      expect((await world.approvals.read(id))?.breakGlass).toBeUndefined();
      expect(world.notes).toMatchObject([{ text: expect.stringContaining("contribut") }]);
    });

    test("it does not open a closure that began after the click", async () => {
      const id = await breakGlass();
      const holds = createHolds(world);
      await holds.release("delivery-c", world.time.now);
      world.time.now += 60_000;
      await sweep(createGroups(["U0SECOND1"]));
      expect((await world.approvals.read(id))?.breakGlass).toBeUndefined();

      await submitReason(id, "prices are wrong", eve);
      expect((await world.approvals.read(id))?.postponedGlass).toBeUndefined();
      await holds.hold(
        { delivery: "delivery-c", model: toyModel },
        { until: null, why: "frozen" },
        world.time.now,
      );
      await submitReason(id, "prices are wrong", eve);
      await holds.release("delivery-c", world.time.now);
      world.time.now += 60_000;
      await holds.hold(
        { delivery: "delivery-c", model: toyModel },
        { until: null, why: "frozen" },
        world.time.now,
      );
      await sweep(createGroups(["U0SECOND1"]));
      expect((await world.approvals.read(id))?.breakGlass).toBeUndefined();
      expect(world.notes.at(-1)?.text).toContain("Break the glass again");
    });

    test("of an ended delivery nothing waits", async () => {
      const id = await breakGlass();
      world.engine.executions.set("delivery-c", {
        name: "delivery-c",
        status: "ABORTED",
        input: { model: toyModel, commit: "c".repeat(40) },
        startedAt: "2026-01-01T00:00:00Z",
      });
      await sweep(createGroups(["U0SECOND1"]));
      expect((await world.approvals.read(id))?.breakGlass).toBeUndefined();
      expect(await world.approvals.unfinished()).toEqual([]);
    });
  });
});

test("Reject opens the dialog and decides nothing", async () => {
  const id = await ask();
  await click("reject", id);
  expect(dialogs).toMatchObject([{ trigger_id: "trigger", view: { private_metadata: id } }]);
  expect(await statusOf(id)).toBe("pending");
  expect(followUps).toEqual([]);
});

test("if Slack does not open the dialog, nothing is decided, and the person is told what to do", async () => {
  const id = await ask();
  const views = { open: () => Promise.reject(new Error("expired_trigger_id")) };
  const reject = { type: "block_actions", actions: [{ action_id: "reject", value: id }] };
  expect(await send(reject, { slack: { views } })).toEqual({ status: 200, body: "" });
  await runFollowUps();
  expect(await statusOf(id)).toBe("pending");
  expect(world.notes).toEqual([
    {
      channel: "C1",
      user: ada.id,
      text: expect.stringContaining(`slipway reject ${id} --as ${ada.id} --reason`),
    },
  ]);
});

test("if another approver decides before that note is written, the note says who decided", async () => {
  const id = await ask();
  const views = { open: () => Promise.reject(new Error("expired_trigger_id")) };
  const reject = { type: "block_actions", actions: [{ action_id: "reject", value: id }] };
  await send(reject, { slack: { views } });
  await click("approve", id);
  await runFollowUps();
  expect(world.notes).toMatchObject([{ text: "This was already approved by ada." }]);
});

test("a user who may not reject gets a note instead of the dialog", async () => {
  await click("reject", await ask(), { user: { id: "U0OTHER" } });
  expect(dialogs).toEqual([]);
  await runFollowUps();
  expect(world.notes).toHaveLength(1);
});

test("the submitted dialog rejects with its reason", async () => {
  const id = await ask();
  expect(await submit(id, "  too early ")).toEqual({ status: 200, body: "" });
  await runFollowUps();
  expect(world.engine.answers).toMatchObject([{ output: { status: "rejected", reason: "too early" } }]);
});

test.each([null, "", " \u200b "])("a dialog without a readable reason stays open: %j", async (reason) => {
  const id = await ask();
  const { status, body } = await submit(id, reason);
  expect(status).toBe(200);
  expect(JSON.parse(body)).toMatchObject({
    response_action: "errors",
    errors: { reason: expect.any(String) },
  });
  expect(await statusOf(id)).toBe("pending");
});

test("a dialog whose rejection comes too late stays open and says so, and the decision before it is sent", async () => {
  const id = await ask();
  await click("approve", id);
  // The follow-up of the first click is lost.
  followUps.length = 0;
  expect((await submit(id, "too early")).body).toContain("already approved");
  await runFollowUps();
  expect(world.engine.answers).toMatchObject([{ output: { status: "approved" } }]);
});

test("a note that Slack refuses changes nothing", async () => {
  const id = await ask();
  await click("approve", id);
  await click("approve", id);
  const chat = { postEphemeral: () => Promise.reject(new Error("Slack is down")) };
  await runFollowUps({ slack: { ...world.slack, chat } });
  expect(await statusOf(id)).toBe("sent");
  expect(world.warnings).toContain("could not show an approver a note in Slack");
});

describe("a follow-up that cannot start", () => {
  const startFollowUp = () => Promise.reject(new Error("throttled"));

  test("does not fail a click whose decision is stored: the sweep sends it", async () => {
    const id = await ask();
    const approve = { type: "block_actions", actions: [{ action_id: "approve", value: id }] };
    expect((await send(approve, { startFollowUp })).status).toBe(200);
    expect(await statusOf(id)).toBe("decided");
    expect(world.warnings).toHaveLength(1);
  });

  test("fails a click that does not count, so that Slack shows an error instead of nothing", async () => {
    const id = await ask();
    const approve = { type: "block_actions", actions: [{ action_id: "approve", value: id }] };
    await expect(send({ ...approve, user: { id: "U0OTHER" } }, { startFollowUp })).rejects.toThrow(
      "throttled",
    );
  });
});

describe("where authors may not approve", () => {
  const rule = { approvers: [ada.id, "U0SECOND1"], quorum: 1, authorMayApprove: false, timeout: "PT24H" };
  const contributors = {
    people: ["sam@example.com"],
    addresses: ["sam@example.com"],
    unmapped: [],
    approvers: [],
    leftOut: [],
  };
  const shown = (email: string) => ({ ...contributors, shown: [{ user: ada.id, email }] });
  const usersInfo = (email: string | undefined, calls: string[] = []) => ({
    ...world.slack,
    users: {
      info: async ({ user }: { user: string }) => {
        calls.push(user);
        return { user: { profile: { email } } };
      },
    },
  });
  const isDown = () => ({
    ...world.slack,
    users: { info: () => Promise.reject(new Error("Slack is down")) },
  });

  test("the address from the request decides before the acknowledgement", async () => {
    const id = await ask({ rule, contributors: shown("ada@example.com") });
    await click("approve", id);
    expect(await statusOf(id)).toBe("decided");
  });

  test("a contributor's click decides nothing, and the contributor gets a note", async () => {
    const id = await ask({ rule, contributors: shown("Sam@example.com") });
    await click("approve", id);
    await runFollowUps();
    expect(await statusOf(id)).toBe("pending");
    expect(world.notes).toMatchObject([{ user: ada.id, text: expect.stringContaining("contributed") }]);
    expect(world.warnings).toEqual([]);
  });

  test("a click without a known address is acknowledged, decides nothing yet, and is judged afterwards", async () => {
    const id = await ask({ rule, contributors });
    expect((await click("approve", id)).status).toBe(200);
    expect((await world.approvals.read(id))?.postponed).toMatchObject([
      { user: ada.id, verdict: "approved" },
    ]);
    expect(await statusOf(id)).toBe("pending");
    await runFollowUps({ slack: usersInfo("ada@example.com") });
    expect(world.engine.answers).toMatchObject([{ output: { status: "approved" } }]);
    expect((await world.approvals.read(id))?.postponed).toBeUndefined();
    expect(world.readMetricTotal("Approvals", { model: "toy", decision: "approved" })).toBe(1);
  });

  test("a contributor whose address was unknown at the click gets a note afterwards, and the vote is removed", async () => {
    const id = await ask({ rule, contributors });
    await world.messages.show("delivery-c");
    await click("approve", id);
    await runFollowUps({ slack: usersInfo("sam@example.com") });
    expect(await statusOf(id)).toBe("pending");
    expect((await world.approvals.read(id))?.postponed).toBeUndefined();
    expect(world.notes).toMatchObject([
      { channel: "C0DELIVERY", user: ada.id, text: expect.stringContaining("contributed") },
    ]);
  });

  test("the dialog opens without a known address, and the rejection with its reason is judged afterwards", async () => {
    const id = await ask({ rule, contributors });
    await click("reject", id);
    expect(dialogs).toHaveLength(1);
    expect(await submit(id, "too early")).toEqual({ status: 200, body: "" });
    await runFollowUps({ slack: usersInfo("ada@example.com") });
    expect(world.engine.answers).toMatchObject([{ output: { status: "rejected", reason: "too early" } }]);
  });

  test("while Slack is down the vote waits, the message says so, and the follow-up fails, so that it is retried", async () => {
    const id = await ask({ rule, contributors });
    await click("approve", id);
    const [followUp] = followUps;
    await expect(runFollowUps({ slack: isDown() })).rejects.toThrow("Slack is down");
    expect([...world.slack.shown.values()]).toMatchObject([
      { question: { status: "open", waiting: [{ user: ada.id }] } },
    ]);
    if (followUp) followUps.push(followUp);
    await runFollowUps({ slack: usersInfo("ada@example.com") });
    expect(await statusOf(id)).toBe("sent");
  });

  test("an approver whose Slack id the platform lists is judged by the listed address while Slack is down", async () => {
    const approvers = [{ user: ada.id, email: "ada@example.com" }];
    const id = await ask({ rule, contributors: { ...contributors, approvers } });
    await click("approve", id);
    await runFollowUps({ slack: isDown() });
    expect(await statusOf(id)).toBe("sent");
  });

  test("a voter's later answer replaces the waiting one", async () => {
    const id = await ask({ rule, contributors });
    await click("approve", id);
    world.time.now += 1_000;
    await submit(id, "too early");
    await runFollowUps({ slack: usersInfo("ada@example.com") });
    expect(world.engine.answers).toMatchObject([{ output: { status: "rejected" } }]);
    expect(world.engine.answers).toHaveLength(1);
  });

  test("two follow-ups at once decide once, and the voter gets no note about the own vote", async () => {
    const id = await ask({ rule, contributors });
    await click("approve", id);
    const needs = { ...world, slack: usersInfo("ada@example.com") };
    const [followUp] = followUps;
    if (!followUp) throw new Error("the click has a follow-up");
    await Promise.all([finishApproval(needs)(followUp), finishApproval(needs)(followUp)]);
    await finishApproval(needs)(followUp);
    expect(world.engine.answers).toHaveLength(1);
    expect(world.notes).toEqual([]);
    expect(world.readMetricTotal("Approvals", { model: "toy", decision: "approved" })).toBe(1);
  });

  test("a waiting vote that another approver's decision overtakes gets a note about that decision", async () => {
    const id = await ask({ rule, contributors: shown("ada@example.com") });
    await world.messages.show("delivery-c");
    await click("approve", id, { user: { id: "U0SECOND1", username: "bob" } });
    await click("approve", id);
    const calls: string[] = [];
    await runFollowUps({ slack: usersInfo("bob@example.com", calls) });
    expect(calls).toEqual([]);
    expect(world.notes).toMatchObject([{ user: "U0SECOND1", text: "This was already approved by ada." }]);
  });

  test("a user who is no approver leaves nothing in the store", async () => {
    const id = await ask({ rule, contributors });
    const before = await world.approvals.read(id);
    await click("approve", id, { user: { id: "U0OTHER" } });
    expect(await world.approvals.read(id)).toEqual(before);
  });
});

test("a button or a dialog that decides nothing is accepted", async () => {
  const id = await ask();
  expect(await click("open-delivery", id)).toEqual({ status: 200, body: "" });
  expect(await submit(id, "too early", "another-dialog")).toEqual({ status: 200, body: "" });
  expect(await statusOf(id)).toBe("pending");
});

test.each([
  ["a body that is not a form", "hello"],
  ["a payload that is not JSON", "payload=%7B"],
  ["another type of payload", `payload=${encodeURIComponent('{"type":"shortcut"}')}`],
])("a signed request with %s is refused with 400", async (_, body) => {
  expect((await post(body)).status).toBe(400);
});

test.each([
  ["workspace", { team: { id: "T2" } }],
  ["app", { api_app_id: "A2" }],
])("a signed click for another %s is refused and decides nothing", async (_, more) => {
  const id = await ask();
  expect((await click("approve", id, more)).status).toBe(401);
  expect(await statusOf(id)).toBe("pending");
});

test("a click with a wrong signature is refused before its body is read", async () => {
  const response = await createAnswer()({
    rawBody: Buffer.from("not a form"),
    headers: {
      "x-slack-request-timestamp": String(Math.floor(world.time.now / 1_000)),
      "x-slack-signature": `v0=${"0".repeat(64)}`,
    },
  });
  expect(response).toEqual({ status: 401, body: "the signature does not match" });
});

test("a request above the limit is refused before its signature is computed", async () => {
  const signingSecrets = () => Promise.reject(new Error("the secrets were read"));
  expect((await post("x".repeat(maxCallbackBytes + 1), { signingSecrets })).status).toBe(413);
});
