/** What happens to a delivery's question while Slack fails, and afterwards. */
import { WebClient } from "@slack/web-api";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type FollowUp, finishApproval } from "#domain/approval/finish-approval.ts";
import { resolveApprovers } from "#domain/approval/resolve-approvers.ts";
import { submitDecision } from "#domain/approval/submit-decision.ts";
import { createDeliveryMessages } from "#domain/message/delivery-messages.ts";
import type { MessageState } from "#domain/message/message-state.ts";
import { answerApproval } from "#lambdas/answer-approval/answer-approval.ts";
import { moveChampion } from "#lambdas/move-champion/move-champion.ts";
import { reportOutcome } from "#lambdas/report-outcome/report-outcome.ts";
import { requestApproval } from "#lambdas/request-approval/request-approval.ts";
import { rollBack } from "#lambdas/roll-back/roll-back.ts";
import { sweepDeliveries } from "#lambdas/sweep-deliveries/sweep-deliveries.ts";
import { renderMessageBlocks } from "#slack/message-blocks.ts";
import { createSlackChannel, slackClientOptions } from "#slack/slack-channel.ts";
import { silentLogger } from "#test/support/desk/silent-logger.ts";
import { startDesk } from "#test/support/desk/start-desk.ts";
import { createMemoryWorld } from "#test/support/memory-world.ts";
import { fakeCommit, fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { signSlackRequest } from "#worlds/embedded/desk/sign-slack-request.ts";
import type { SlackFault } from "#worlds/embedded/desk/slack-faults.ts";

const delivery = "toy-cccccccccccc";
const ada = { id: "U024BE7LH", name: "ada", email: "ada.byron@example.com" };

/** A delivery that asks on a desk whose calls go wrong as the test says. */
const createDelivery = async () => {
  let faults: Readonly<Record<string, SlackFault>> = {};
  const desk = await startDesk({ rates: {}, findFault: ({ method }) => faults[method] ?? faults.every });
  const { options } = desk;
  const memory = createMemoryWorld();
  const logged: string[] = [];
  const warn = (sentence: string, error: unknown) =>
    void logged.push(`${sentence}: ${error instanceof Error ? error.message : error}`);
  const slack = new WebClient(options.botToken, {
    ...slackClientOptions,
    timeout: 100,
    slackApiUrl: `${desk.url}/api/`,
    logger: silentLogger,
  });
  const channel = createSlackChannel<MessageState>({
    slack,
    channel: options.channel.id,
    render: (state) => renderMessageBlocks(state, `${desk.url}/deliveries/${state.delivery}`),
  });
  const messages = createDeliveryMessages({ store: memory.store, channel, clock: memory.clock, warn });
  const approversFor = resolveApprovers({ ...memory, slack, warn, addresses: "organisation" });
  const world = { ...memory, slack, messages, warn, approversFor };
  memory.commit("c");
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
      .filter(({ metadata }) => metadata?.event_payload.delivery === delivery)
      .map(({ ts, text, blocks }) => ({
        ts,
        text,
        buttons: blocks.flatMap((block) =>
          block.type === "actions" ? block.elements.map(({ action_id }) => action_id) : [],
        ),
      }));
  return {
    world,
    logged,
    /** By method; `every`: the others. */
    setFaults: (next: Readonly<Record<string, SlackFault>>) => {
      faults = next;
    },
    readId,
    request: async () => {
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

const refuse = (error: string): SlackFault => ({ kind: "error", error });
const approved = { text: "toy v3 is being delivered", buttons: ["open-delivery"] };
const open = {
  text: expect.stringMatching(/^Approve toy v3/),
  buttons: ["approve", "reject", "open-delivery"],
};

/** Each fault with what the log and `slipway approvals` say. */
const faults: readonly [string, SlackFault, RegExp][] = [
  ["a rate limit", { kind: "rate limited", retryAfterSeconds: 30 }, /limits the app's calls.* tried again/],
  ["ratelimited without status 429", refuse("ratelimited"), /limits the app's calls/],
  ["status 500", { kind: "status", status: 500 }, /answered with status 500.*slipway approve/],
  ["no response", { kind: "no response" }, /did not respond.*slipway approve/],
  ["an archived channel", refuse("is_archived"), /channel is archived\. Unarchive it/],
  ["a channel without the app", refuse("not_in_channel"), /not a member.*\/invite/],
  ["an unknown channel", refuse("channel_not_found"), /no such channel.*slack\.channel/],
  ["a refused token", refuse("invalid_auth"), /refuses the bot's token.*SLACK_BOT_TOKEN/],
  ["a missing scope", refuse("missing_scope"), /lacks the scope.*reinstall/],
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

describe("the dialog of a rejection", () => {
  test.each<[string, SlackFault | undefined, number]>([
    ["whose trigger has expired", undefined, 0],
    ["that Slack limits", { kind: "rate limited", retryAfterSeconds: 30 }, 3_000],
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
