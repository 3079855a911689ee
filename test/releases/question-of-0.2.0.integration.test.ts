/** A question that release 0.2.0 has opened (record-question.mjs), answered by this code. */
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { serve } from "@hono/node-server";
import { WebClient } from "@slack/web-api";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import * as z from "zod";
import { printQuestion } from "#cli/print-question.ts";
import { createApprovals } from "#domain/approval/approvals.ts";
import { assertApproved } from "#domain/approval/assert-approved.ts";
import { type FollowUp, finishApproval } from "#domain/approval/finish-approval.ts";
import { submitDecision } from "#domain/approval/submit-decision.ts";
import { createDeliveryMessages } from "#domain/message/delivery-messages.ts";
import type { MessageState } from "#domain/message/message-state.ts";
import { answerApproval } from "#lambdas/answer-approval/answer-approval.ts";
import { createKeyFileCipher } from "#platform/cipher/key-file.ts";
import { renderMessageBlocks } from "#slack/message-blocks.ts";
import { createSlackChannel, slackClientOptions } from "#slack/slack-channel.ts";
import { silentLogger } from "#test/support/desk/silent-logger.ts";
import { startDesk } from "#test/support/desk/start-desk.ts";
import { createMemoryWorld } from "#test/support/memory-world.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { fakeDigest, toyModel } from "#test/support/toy-model.ts";
import type { Message } from "#worlds/embedded/desk/desk-state.ts";
import { callbackPath, createSlackCallbackRoute } from "#worlds/embedded/desk/slack-callback-route.ts";

const Recorded = z.object({
  release: z.literal("0.2.0"),
  now: z.number(),
  delivery: z.string(),
  taskToken: z.string(),
  cipherKey: z.string(),
  items: z.array(z.object({ partition: z.string(), sort: z.string(), value: z.json() })),
  message: z.custom<Message>((value) => typeof value === "object"),
});
const recorded = Recorded.parse(
  JSON.parse(readFileSync(new URL("question-of-0.2.0.json", import.meta.url), "utf8")),
);
const { delivery, message } = recorded;
const [ada, sam] = ["U024BE7LH", "U0AUTHOR"];

/** What 0.2.0 left in the store and in Slack, under this code. */
const openRelease = async () => {
  const folder = await createTemporaryFolder();
  const keyFile = join(folder.path, "cipher.key");
  await writeFile(keyFile, `${recorded.cipherKey}\n`, { mode: 0o600 });
  const memory = createMemoryWorld({ platform: null });
  for (const { partition, sort, value } of recorded.items) await memory.store.put({ partition, sort }, value);
  memory.time.now = recorded.now + 60_000;
  memory.engine.waiting.add(recorded.taskToken);

  let callbackUrl = "";
  const signingSecret = "secret";
  const desk = await startDesk({ clock: memory.clock, signingSecret, callbackUrl: () => callbackUrl });
  const { state, channel, botToken, teamId, appId } = desk.options;
  state.putMessage(message);
  const slack = new WebClient(botToken, {
    ...slackClientOptions,
    slackApiUrl: `${desk.url}/api/`,
    logger: silentLogger,
  });
  const messages = createDeliveryMessages({
    store: memory.store,
    channel: createSlackChannel<MessageState>({
      slack,
      channel: channel.id,
      warn: () => undefined,
      render: (shown) => renderMessageBlocks(shown, "https://example.com/delivery"),
    }),
    clock: memory.clock,
    warn: memory.warn,
  });
  const cipher = createKeyFileCipher({ file: keyFile });
  const approvals = createApprovals({ store: memory.store, cipher, deliveries: memory.deliveries });
  const world = { ...memory, slack, messages, approvals };
  const followUps: FollowUp[] = [];
  const answer = answerApproval({
    ...world,
    startFollowUp: async (followUp) => void followUps.push(followUp),
    signingSecrets: async () => [signingSecret],
    teamId,
    appId,
  });
  const { promise, resolve } = Promise.withResolvers<AddressInfo>();
  const { fetch: route } = createSlackCallbackRoute(answer, memory.clock);
  const server = serve({ fetch: route, hostname: "127.0.0.1", port: 0 }, resolve);
  callbackUrl = `http://127.0.0.1:${(await promise).port}${callbackPath}`;
  const post = async (path: string, body: object) => {
    const response = await fetch(`${desk.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: desk.url },
      body: JSON.stringify(body),
    });
    const result: unknown = await response.json();
    for (const followUp of followUps.splice(0)) await finishApproval(world)(followUp);
    return result;
  };
  return {
    world,
    /** A person's click on the button that 0.2.0 has posted. */
    click: (action: "approve" | "reject", as = ada) => {
      const { block_id: block = "" } = message.blocks.find(({ type }) => type === "actions") ?? {};
      return post("/desk/clicks", { as, ts: message.ts, block, action });
    },
    submitReason: (reason: string) =>
      post(`/desk/views/${state.viewOf(ada)?.id}`, { as: ada, typed: { reason } }),
    submitName: (confirmation: string) =>
      post(`/desk/views/${state.viewOf(ada)?.id}`, { as: ada, typed: { confirmation } }),
    message: () => state.message(message.ts),
    messages: () => state.messages(10).filter(({ onlyFor, thread_ts }) => !onlyFor && !thread_ts),
    notes: () => state.messages(10).flatMap(({ onlyFor, text }) => (onlyFor ? [text] : [])),
    close: async () => {
      server.close();
      await desk[Symbol.asyncDispose]();
      memory.close();
      await folder.remove();
    },
  };
};

let opened: Awaited<ReturnType<typeof openRelease>>;
beforeEach(async () => {
  opened = await openRelease();
});
afterEach(() => opened.close());

const text = (blocks: Message["blocks"] | undefined) => JSON.stringify(blocks);
const checks = ["vulnerabilities.critical", "golden vectors", "accuracy against champion", "latency p95"];
const subject = {
  delivery,
  model: toyModel,
  commit: "c".repeat(40),
  digest: fakeDigest("c"),
  version: 2,
  baseline: 1,
};
const expectDecision = async (status: "approved" | "rejected") => {
  const { answers } = opened.world.engine;
  expect(answers).toMatchObject([
    {
      token: recorded.taskToken,
      output: { status, by: [{ user: ada }], baseline: 1, digest: fakeDigest("c"), version: 2 },
    },
  ]);
  expect(opened.messages()).toHaveLength(1);
  expect(text(opened.message()?.blocks)).not.toContain('"action_id":"approve"');
};
const readId = async () => (await opened.world.approvals.ofDelivery(delivery))[0]?.id ?? "";

test("its Approve button asks for the model's name, because a check is inconclusive; what deploys and promotes finds the approved artefact", async () => {
  expect(await opened.click("approve")).toEqual({ status: "answered" });
  expect(opened.world.engine.answers).toEqual([]);
  expect(await opened.submitName(toyModel)).toEqual({ status: "closed" });
  await expectDecision("approved");
  const approval = await readId();
  expect(await assertApproved(opened.world)({ ...subject, approval })).toMatchObject({ status: "approved" });
  await expect(
    assertApproved(opened.world)({ ...subject, approval, digest: fakeDigest("d") }),
  ).rejects.toThrow("was approved");
  await opened.click("reject");
  expect(opened.notes()).toEqual([]);
});

test("its Reject button opens the dialog, and the reason reaches the task", async () => {
  await opened.click("reject");
  expect(await opened.submitReason("Not before the holidays")).toEqual({ status: "closed" });
  await expectDecision("rejected");
  expect(opened.world.engine.answers).toMatchObject([{ output: { reason: "Not before the holidays" } }]);
});

test("who made the change may not decide by its buttons", async () => {
  await opened.click("approve", sam);
  expect(opened.world.engine.answers).toEqual([]);
  expect(opened.notes()).toEqual([expect.stringContaining("not an approver")]);
});

test("the command shows each of its checks, and decides", async () => {
  const state = await opened.world.messages.state(delivery);
  if (!state) throw new Error("the question has no state");
  const lines: string[] = [];
  const output = vi.spyOn(process.stdout, "write").mockImplementation((line) => {
    lines.push(String(line));
    return true;
  });
  try {
    printQuestion(state);
  } finally {
    output.mockRestore();
  }
  for (const check of checks) expect(lines.join("")).toContain(check);
  expect(lines.join("")).toContain("replay was not checked: prod has no recorded inputs");
  const approver = { id: ada, name: "ada" };
  const result = await submitDecision(opened.world)({
    approval: await readId(),
    approver,
    verdict: "approved",
    reason: null,
    confirmation: toyModel,
  });
  expect(result).toEqual({ taken: true, sentence: "It is approved by ada." });
  await expectDecision("approved");
});

test("the sweep renders it as this release does, with its checks and its buttons, in the same message", async () => {
  await opened.world.messages.showUnshown();
  expect(opened.messages()).toHaveLength(1);
  const blocks = text(opened.message()?.blocks);
  for (const check of [...checks, "replay"]) expect(blocks).toContain(check);
  expect(blocks).toContain(`"value":"${await readId()}"`);
  expect(opened.world.warnings).toEqual([]);
  await opened.click("approve");
  await opened.submitName(toyModel);
  await expectDecision("approved");
});
