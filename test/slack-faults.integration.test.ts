/** What happens to a delivery's question while Slack fails, and afterwards. */
import { WebClient } from "@slack/web-api";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type FollowUp, finishApproval } from "#domain/approval/finish-approval.ts";
import { createGroupReader } from "#domain/approval/group-reader.ts";
import { resolveApprovers } from "#domain/approval/resolve-approvers.ts";
import { submitDecision } from "#domain/approval/submit-decision.ts";
import { createHolds } from "#domain/changes/holds.ts";
import { createDeliveryMessages } from "#domain/message/delivery-messages.ts";
import type { MessageState } from "#domain/message/message-state.ts";
import { answerApproval } from "#lambdas/answer-approval/answer-approval.ts";
import { moveChampion } from "#lambdas/move-champion/move-champion.ts";
import { reportOutcome } from "#lambdas/report-outcome/report-outcome.ts";
import { requestApproval } from "#lambdas/request-approval/request-approval.ts";
import { rollBack } from "#lambdas/roll-back/roll-back.ts";
import { sweepDeliveries } from "#lambdas/sweep-deliveries/sweep-deliveries.ts";
import { renderMessageBlocks } from "#slack/message-blocks.ts";
import { respectRateLimits } from "#slack/respect-rate-limits.ts";
import { createSlackChannel, slackClientOptions } from "#slack/slack-channel.ts";
import { silentLogger } from "#test/support/desk/silent-logger.ts";
import { startDesk } from "#test/support/desk/start-desk.ts";
import { createMemoryWorld } from "#test/support/memory-world.ts";
import { buildModelYaml, fakeCommit, fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { signSlackRequest } from "#worlds/embedded/desk/sign-slack-request.ts";
import type { FindSlackFault, SlackFault } from "#worlds/embedded/desk/slack-faults.ts";

const delivery = "toy-cccccccccccc";
const ada = { id: "U024BE7LH", name: "ada", email: "ada.byron@example.com" };

/** A delivery that asks on a desk whose calls go wrong as the test says. */
const createDelivery = async () => {
  let faults: Readonly<Record<string, SlackFault | FindSlackFault>> = {};
  const calls: string[] = [];
  const desk = await startDesk({
    rates: {},
    findFault: (call) => {
      calls.push(call.method);
      const fault = faults[call.method] ?? faults.every;
      return typeof fault === "function" ? fault(call) : fault;
    },
  });
  const { options } = desk;
  const memory = createMemoryWorld();
  const logged: string[] = [];
  const warn = (sentence: string, error: unknown) =>
    void logged.push(`${sentence}: ${error instanceof Error ? error.message : error}`);
  const slack = respectRateLimits(
    new WebClient(options.botToken, {
      ...slackClientOptions,
      timeout: 100,
      slackApiUrl: `${desk.url}/api/`,
      logger: silentLogger,
    }),
    memory.clock,
  );
  const channel = createSlackChannel<MessageState>({
    slack,
    channel: options.channel.id,
    render: (state, form) => renderMessageBlocks(state, `${desk.url}/deliveries/${state.delivery}`, form),
    warn,
  });
  const messages = createDeliveryMessages({ store: memory.store, channel, clock: memory.clock, warn });
  const readGroups = createGroupReader({ slack, clock: memory.clock });
  const approversFor = resolveApprovers({ ...memory, slack, readGroups, warn, addresses: "organisation" });
  const world = { ...memory, slack, readGroups, messages, warn, approversFor };
  const followUps: FollowUp[] = [];
  const answer = answerApproval({
    ...world,
    startFollowUp: async (followUp) => void followUps.push(followUp),
    signingSecrets: async () => ["secret"],
    teamId: "T1",
    appId: "A1",
  });
  const sweep = sweepDeliveries({
    ...world,
    rollBack: rollBack(world),
    moveChampion: moveChampion(world),
    reportOutcome: reportOutcome(world),
  });
  const readId = async () => (await world.approvals.ofDelivery(delivery)).at(-1)?.id ?? "";
  const about = () =>
    options.state
      .messages(100)
      .filter(({ metadata, thread_ts }) => !thread_ts && metadata?.event_payload.delivery === delivery)
      .map(({ ts, text, blocks }) => ({
        ts,
        text,
        types: blocks.map(({ type }) => type),
        blocks: JSON.stringify(blocks),
        buttons: blocks.flatMap((block) =>
          block.type === "actions" ? block.elements.map(({ action_id }) => action_id) : [],
        ),
      }));
  return {
    world,
    logged,
    /** How often a method was called since the last time. */
    countCalls: (method: string) => calls.splice(0).filter((called) => called === method).length,
    /** By method; `every`: the others. */
    setFaults: (next: Readonly<Record<string, SlackFault | FindSlackFault>>) => {
      faults = next;
    },
    readId,
    request: async (yaml?: string) => {
      memory.commit("c", yaml);
      world.engine.waiting.add("token");
      await requestApproval(world)({
        delivery,
        model: toyModel,
        commit: fakeCommit("c"),
        taskToken: "token",
        fence: 9,
        digest: fakeDigest("c"),
        version: 3,
        author: { name: "Sam", email: "sam@example.com" },
        pusher: "sam@example.com",
        baseline: 0,
        scanChecks: [],
        checks: [
          {
            name: "image size",
            verdict: "pass",
            measured: 1,
            limit: 2,
            unit: "MB",
            detail: "1 MB (limit 2 MB)",
          },
        ],
        omitted: [],
        comparisons: [
          {
            name: "accuracy",
            unit: "",
            champion: 0.8,
            challenger: 0.81,
            interval: null,
            limit: "≥ 0.75",
            verdict: "pass",
          },
        ],
        timeoutSeconds: 3_600,
        provenance: null,
      });
    },
    /** `slipway approve`, by a person whom AWS knows. */
    approveByCommand: async () =>
      submitDecision(world)({ approval: await readId(), approver: ada, verdict: "approved", reason: null }),
    /** A click, and what the function leaves to its asynchronous invocations. */
    click: async (action: "approve" | "reject", trigger = "1.2") => {
      const payload = {
        type: "block_actions",
        user: { id: ada.id, username: ada.name },
        team: { id: "T1" },
        api_app_id: "A1",
        trigger_id: trigger,
        channel: { id: options.channel.id },
        actions: [{ action_id: action, value: await readId() }],
      };
      const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
      const seconds = Math.floor(world.clock() / 1_000);
      const { status } = await answer({
        rawBody: Buffer.from(body),
        headers: {
          "x-slack-request-timestamp": String(seconds),
          "x-slack-signature": signSlackRequest("secret", seconds, body),
        },
      });
      for (const followUp of followUps.splice(0)) await finishApproval(world)(followUp);
      return status;
    },
    sweep: () => sweep({}),
    /** The delivery's messages in the channel, newest first. */
    about,
    removeMessages: () => {
      for (const { ts } of about()) options.state.removeMessage(ts);
    },
    notes: () => options.state.messages(100).flatMap(({ onlyFor, text }) => (onlyFor ? [text] : [])),
    replies: (ts: string) => options.state.replies(ts).map(({ text }) => text),
    addTrigger: (expires: number) => {
      options.state.addTrigger("trigger", ada.id, expires);
      return "trigger";
    },
    close: async () => {
      await desk[Symbol.asyncDispose]();
      memory.close();
    },
  };
};

let tested: Awaited<ReturnType<typeof createDelivery>>;
beforeEach(async () => {
  tested = await createDelivery();
});
afterEach(() => tested.close());

const retryAfterMs = 30_000;
const rateLimited: SlackFault = { kind: "rate limited", retryAfterSeconds: retryAfterMs / 1_000 };
const refuse = (error: string): SlackFault => ({ kind: "error", error });
const approved = { text: "toy v3 is being delivered", buttons: ["open-delivery"] };
const open = {
  text: expect.stringMatching(/^Approve toy v3/),
  buttons: ["approve", "reject", "open-delivery"],
};

/** Each fault with what the log and `slipway approvals` say. */
const faults: readonly [string, SlackFault, RegExp][] = [
  ["a rate limit", rateLimited, /limits the app's calls.* tried again/],
  [
    "a rate limit without a time",
    { kind: "rate limited", retryAfterSeconds: null },
    /limits the app's calls/,
  ],
  ["ratelimited without status 429", refuse("ratelimited"), /limits the app's calls/],
  ["status 500", { kind: "status", status: 500 }, /answered with status 500.*slipway approve/],
  ["a page with status 200", { kind: "status", status: 200 }, /response cannot be read.*slipway approve/],
  ["no response", { kind: "no response" }, /did not respond.*slipway approve/],
  ["an archived channel", refuse("is_archived"), /channel is archived\. Unarchive it/],
  ["a channel without the app", refuse("not_in_channel"), /not a member.*\/invite/],
  ["an unknown channel", refuse("channel_not_found"), /no such channel.*slack\.channel/],
  ["a token that was revoked", refuse("token_revoked"), /refuses the bot's token.*SLACK_BOT_TOKEN/],
  ["an account that was deleted", refuse("account_inactive"), /refuses the bot's token/],
  ["a refused token", refuse("invalid_auth"), /refuses the bot's token.*SLACK_BOT_TOKEN/],
  ["a missing scope", refuse("missing_scope"), /lacks the scope.*reinstall/],
  ["a channel in which few may post", refuse("restricted_action"), /settings do not let the app post/],
  ["an unknown error", refuse("fatal_error"), /Slack says fatal_error.*slipway doctor slack/],
];

test.each(faults)(
  "with %s from the start the delivery waits, is decided by command, and the message follows",
  async (_, fault, problem) => {
    tested.setFaults({ every: fault });
    await tested.request();
    expect(await tested.world.messages.problem(delivery)).toMatch(problem);
    expect(tested.logged.join("\n")).toMatch(problem);
    expect(await tested.approveByCommand()).toEqual({ taken: true, sentence: "It is approved by ada." });
    expect(tested.world.engine.answers).toMatchObject([{ token: "token", output: { status: "approved" } }]);
    expect(tested.about()).toEqual([]);
    await tested.sweep();
    tested.setFaults({});
    tested.world.time.now += retryAfterMs;
    await tested.sweep();
    await tested.sweep();
    expect(tested.about()).toMatchObject([approved]);
    expect(await tested.world.messages.problem(delivery)).toBeUndefined();
    expect(tested.world.engine.answers).toHaveLength(1);
  },
);

test.each([
  ...faults,
  ["a message in an archived channel", refuse("is_inactive"), /channel is archived/] as const,
])(
  "with %s at an edit the click still decides, a later click says who decided, and the sweep edits the message",
  async (_, fault, problem) => {
    await tested.request();
    tested.setFaults({ "chat.update": fault });
    expect(await tested.click("approve")).toBe(200);
    expect(tested.world.engine.answers).toMatchObject([{ output: { status: "approved" } }]);
    expect(tested.about()).toMatchObject([open]);
    expect(await tested.world.messages.problem(delivery)).toMatch(problem);
    await tested.click("approve");
    expect(tested.notes()).toEqual(["This was already approved by ada."]);
    tested.setFaults({});
    tested.world.time.now += retryAfterMs;
    await tested.sweep();
    expect(tested.about()).toMatchObject([approved]);
    expect(await tested.world.messages.problem(delivery)).toBeUndefined();
  },
);

test("a reply that Slack refuses is written by the sweep, once, and the message of the problem goes", async () => {
  await tested.request();
  tested.setFaults({ "chat.postMessage": refuse("is_archived") });
  await tested.click("approve");
  await tested.world.messages.show(delivery);
  const [{ ts } = { ts: "" }] = tested.about();
  expect(tested.replies(ts)).toEqual([]);
  expect(await tested.world.messages.problem(delivery)).toMatch(/archived/);
  tested.setFaults({});
  await tested.sweep();
  await tested.sweep();
  expect(tested.replies(ts)).toEqual([`:white_check_mark: Approved by <@${ada.id}>`]);
  expect(await tested.world.messages.problem(delivery)).toBeUndefined();
});

describe("a message that somebody deleted", () => {
  test("is posted again by the sweep while its question is open, once", async () => {
    await tested.request();
    tested.removeMessages();
    await tested.sweep();
    await tested.sweep();
    expect(tested.about()).toMatchObject([open]);
    await tested.click("approve");
    expect(tested.about()).toMatchObject([approved]);
  });

  test("is posted again by the next change, once, with the new facts", async () => {
    await tested.request();
    tested.removeMessages();
    await tested.approveByCommand();
    await tested.sweep();
    expect(tested.about()).toMatchObject([approved]);
    expect(tested.logged).toEqual([]);
  });

  test("is posted again where only its reply is missing, and the reply is in the new thread", async () => {
    await tested.request();
    tested.setFaults({ "chat.postMessage": refuse("ratelimited") });
    await tested.approveByCommand();
    tested.setFaults({});
    tested.removeMessages();
    await tested.sweep();
    await tested.sweep();
    const [message] = tested.about();
    expect(tested.about()).toMatchObject([approved]);
    expect(tested.replies(message?.ts ?? "")).toEqual([`:white_check_mark: Approved by <@${ada.id}>`]);
  });

  test("is not posted again and again where Slack contradicts itself", async () => {
    await tested.request();
    tested.setFaults({ "chat.update": refuse("message_not_found") });
    await tested.approveByCommand();
    await tested.sweep();
    expect(tested.about()).toHaveLength(1);
    tested.setFaults({});
    await tested.sweep();
    expect(tested.about()).toMatchObject([approved]);
  });
});

describe("a message that Slack does not let the app edit", () => {
  test.each([
    ["because another app posted it", "cant_update_message"],
    ["because the workspace limits edits by time", "edit_window_closed"],
  ])("%s is followed by another one, with the facts", async (_, error) => {
    await tested.request();
    const [old] = tested.about();
    tested.setFaults({ "chat.update": refuse(error) });
    await tested.click("approve");
    await tested.sweep();
    expect(tested.about()).toMatchObject([approved, { ts: old?.ts }]);
    expect(await tested.world.messages.problem(delivery)).toBeUndefined();
    tested.setFaults({});
    await tested.sweep();
    expect(tested.about()).toHaveLength(2);
  });
});

describe("a message in a channel that is no longer configured", () => {
  const openOtherChannel = async () => {
    const { world } = tested;
    const other = await startDesk({ channel: { id: "C0OTHER", name: "other" }, rates: {} });
    const web = new WebClient(other.options.botToken, {
      ...slackClientOptions,
      slackApiUrl: `${other.url}/api/`,
      logger: silentLogger,
    });
    const select = ({ channel }: { channel?: string | undefined }) =>
      channel === "C0OTHER" ? web : world.slack;
    const channel = createSlackChannel<MessageState>({
      slack: {
        chat: {
          postMessage: async (options) => select(options).chat.postMessage(options),
          update: async (options) => select(options).chat.update(options),
          postEphemeral: async (options) => select(options).chat.postEphemeral(options),
        },
        conversations: {
          history: async (options) => select(options).conversations.history(options),
          replies: async (options) => select(options).conversations.replies(options),
        },
        users: world.slack.users,
      },
      channel: "C0OTHER",
      render: (state, form) => renderMessageBlocks(state, undefined, form),
      warn: world.warn,
    });
    return {
      messages: createDeliveryMessages({ ...world, channel }),
      headlines: () =>
        other.options.state.messages(10).flatMap((each) => (each.thread_ts ? [] : [each.text])),
      [Symbol.asyncDispose]: () => other[Symbol.asyncDispose](),
    };
  };

  test.each<[string, boolean]>([
    ["where the old channel is archived", true],
    ["where the old channel still takes edits, and there it has no buttons", false],
  ])(
    "is posted by the sweep in the one that is, once, while its question is open, %s",
    async (_, isArchived) => {
      await tested.request();
      await using other = await openOtherChannel();
      if (isArchived)
        tested.setFaults({ "chat.update": refuse("is_inactive"), "chat.postMessage": refuse("is_archived") });
      await other.messages.showUnshown();
      await other.messages.showUnshown();
      expect(other.headlines()).toEqual([open.text]);
      if (!isArchived) expect(tested.about()).toMatchObject([{ buttons: [] }]);
    },
  );

  test("goes on where its question is decided, and moves with the next change if the old channel is archived", async () => {
    await tested.request();
    await tested.click("approve");
    await using other = await openOtherChannel();
    await other.messages.showUnshown();
    expect(other.headlines()).toEqual([]);
    const closure = { until: null, why: "frozen" };
    await createHolds(tested.world).hold({ delivery, model: toyModel }, closure, tested.world.time.now);
    tested.setFaults({ "chat.update": refuse("is_inactive"), "chat.postMessage": refuse("is_archived") });
    await other.messages.show(delivery);
    expect(other.headlines()).toEqual(["toy v3 waits, because prod is closed"]);
  });
});

describe("a message whose content Slack refuses", () => {
  const readSimplerForms = () => tested.logged.filter((line) => line.includes("is written"));
  const withTable: FindSlackFault = ({ blocks }) =>
    blocks.includes("table") ? refuse("invalid_blocks") : undefined;
  const longer: (than: number) => FindSlackFault =
    (than) =>
    ({ blocks }) =>
      blocks.length > than ? refuse("msg_blocks_too_long") : undefined;

  test.each(["invalid_blocks", "invalid_blocks_format", "invalid_attachments"])(
    "is posted without its table where that is what Slack refuses (%s), with every check and its buttons",
    async (error) => {
      tested.setFaults({ every: (call) => withTable(call) && refuse(error) });
      await tested.request();
      expect(tested.about()).toMatchObject([open]);
      const [message] = tested.about();
      expect(message?.types).not.toContain("table");
      expect(message?.blocks).toContain("image size");
      expect(message?.blocks).toContain("accuracy");
      expect(await tested.world.messages.problem(delivery)).toBeUndefined();
      expect(readSimplerForms()).toEqual([expect.stringContaining(`without its table: Slack says ${error}`)]);
      await tested.click("approve");
      expect(tested.about()).toMatchObject([approved]);
      expect(tested.world.engine.answers).toMatchObject([{ output: { status: "approved" } }]);
    },
  );

  test("shows the essential, without a button to approve, where Slack refuses more, and says where every check is", async () => {
    tested.setFaults({ every: longer(4) });
    await tested.request();
    const [message] = tested.about();
    expect(message).toMatchObject({ buttons: ["reject", "open-delivery"] });
    expect(message?.blocks).toContain("slipway approve");
    expect(readSimplerForms()).toEqual([expect.stringContaining("essential")]);
    tested.setFaults({});
    await tested.approveByCommand();
    expect(tested.about()).toMatchObject([approved]);
  });

  test("that refuses every form is a problem like others, and is written once Slack takes it", async () => {
    tested.setFaults({ "chat.postMessage": refuse("msg_too_long") });
    await tested.request();
    expect(tested.about()).toEqual([]);
    expect(await tested.world.messages.problem(delivery)).toMatch(/refuses the message's content/);
    tested.setFaults({});
    await tested.sweep();
    expect(tested.about()).toMatchObject([open]);
  });

  test("is edited without its table, too, and with it again once Slack takes it", async () => {
    await tested.request();
    tested.setFaults({ every: withTable });
    await tested.click("approve");
    expect(tested.about()).toMatchObject([approved]);
    expect(tested.about()[0]?.types).not.toContain("table");
  });
});

describe("replies", () => {
  const told = `:white_check_mark: Approved by <@${ada.id}>`;
  const readReplies = () => tested.replies(tested.about()[0]?.ts ?? "");

  test.each<[string, SlackFault]>([
    ["a response that is lost after Slack took it", { kind: "lost response" }],
    ["an error after Slack took it", refuse("fatal_error")],
    ["a page instead of Slack's response", { kind: "status", status: 200 }],
  ])("are told once with %s", async (_, fault) => {
    await tested.request();
    tested.setFaults({ "chat.postMessage": fault });
    await tested.click("approve");
    await tested.sweep();
    await tested.sweep();
    tested.setFaults({});
    await tested.sweep();
    await tested.sweep();
    expect(readReplies()).toEqual([told]);
    expect(await tested.world.messages.problem(delivery)).toBeUndefined();
  });

  test("are told once where Slack took none of the calls without a response", async () => {
    await tested.request();
    tested.setFaults({ "chat.postMessage": { kind: "no response" } });
    await tested.click("approve");
    await tested.sweep();
    expect(readReplies()).toEqual([]);
    tested.setFaults({ "conversations.replies": refuse("internal_error") });
    await tested.sweep();
    expect(readReplies()).toEqual([]);
    tested.setFaults({});
    await tested.sweep();
    await tested.sweep();
    expect(readReplies()).toEqual([told]);
  });

  test("that Slack limits come later, each once and in their order, and the message is right meanwhile", async () => {
    await tested.request();
    tested.setFaults({ "chat.postMessage": rateLimited });
    await tested.click("approve");
    expect(tested.about()).toMatchObject([approved]);
    const closure = { until: null, why: "frozen" };
    await createHolds(tested.world).hold({ delivery, model: toyModel }, closure, tested.world.time.now);
    await tested.world.messages.show(delivery);
    expect(readReplies()).toEqual([]);
    tested.setFaults({});
    tested.world.time.now += retryAfterMs;
    await tested.sweep();
    await tested.sweep();
    expect(readReplies()).toEqual([told, expect.stringContaining("Prod is closed")]);
  });
});

describe("after Slack limited a method", () => {
  test("it is not called again until the time is over that Slack named; others are", async () => {
    tested.setFaults({ "chat.postMessage": rateLimited });
    await tested.request();
    expect(tested.countCalls("chat.postMessage")).toBe(1);
    await tested.sweep();
    await tested.sweep();
    expect(tested.countCalls("chat.postMessage")).toBe(0);
    tested.setFaults({});
    tested.world.time.now += retryAfterMs - 1;
    await tested.sweep();
    expect(tested.about()).toEqual([]);
    tested.world.time.now += 1;
    await tested.sweep();
    expect(tested.about()).toMatchObject([open]);
  });
});

describe("a user group", () => {
  const group = "S0APPROVERS";
  const nameGroup = buildModelYaml({
    approval: `{ approvers: [${group}], quorum: 1, authorMayApprove: false, timeout: PT24H }`,
  });

  test.each<[string, SlackFault, RegExp]>([
    ["that was disabled", refuse("no_such_subteam"), /no longer in the user group/],
  ])("%s after the request lets none of its members decide, and they read why", async (_, fault, why) => {
    await tested.request(nameGroup);
    tested.setFaults({ "usergroups.users.list": fault });
    tested.world.time.now += 60_000;
    expect(await tested.click("approve")).toBe(200);
    expect(tested.world.engine.answers).toEqual([]);
    expect(tested.notes()).toEqual([expect.stringMatching(why)]);
    expect(tested.about()).toMatchObject([open]);
  });

  test.each<[string, SlackFault, string, RegExp]>([
    ["that was disabled", refuse("no_such_subteam"), "QuorumOutOfReach", /approver/],
    ["of a workspace without user groups", refuse("plan_upgrade_required"), "PermissionMissing", /plan/],
    ["that a revoked token cannot read", refuse("token_revoked"), "PermissionMissing", /SLACK_BOT_TOKEN/],
    ["while Slack is down", { kind: "status", status: 500 }, "TemporaryFault", /did not say/],
  ])("%s ends the request with its cause", async (_, fault, name, message) => {
    tested.setFaults({ "usergroups.users.list": fault });
    await expect(tested.request(nameGroup)).rejects.toMatchObject({
      name,
      message: expect.stringMatching(message),
    });
  });
});

describe("the dialog of a rejection", () => {
  test.each<[string, SlackFault | undefined, number]>([
    ["whose trigger has expired", undefined, 0],
    ["that Slack limits", rateLimited, 3_000],
    ["without a response", { kind: "no response" }, 3_000],
  ])("%s decides nothing, and the person reads what to do", async (_, fault, lifetime) => {
    await tested.request();
    if (fault) tested.setFaults({ "views.open": fault });
    const trigger = tested.addTrigger(lifetime === 0 ? 0 : Date.now() + lifetime);
    expect(await tested.click("reject", trigger)).toBe(200);
    expect(tested.world.engine.answers).toEqual([]);
    expect(tested.notes()).toEqual([
      `Slack did not open the dialog for the reason, and nothing was decided. Click *Reject…* again, or run \`slipway reject ${await tested.readId()} --as ${ada.id} --reason "…"\`.`,
    ]);
    expect(tested.about()).toMatchObject([open]);
  });
});
