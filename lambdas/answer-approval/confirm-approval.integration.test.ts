import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { WebClient } from "@slack/web-api";
import { expect, test } from "vitest";
import { finishApproval } from "#domain/approval/finish-approval.ts";
import { createDeliveryMessages } from "#domain/message/delivery-messages.ts";
import { renderMessageBlocks } from "#slack/message-blocks.ts";
import { createSlackChannel, type SlackApi } from "#slack/slack-channel.ts";
import { approvalDefaults } from "#test/support/approval-defaults.ts";
import { startDesk } from "#test/support/desk/start-desk.ts";
import { createMemoryWorld } from "#test/support/memory-world.ts";
import { createNewApproval } from "#test/support/record-approval.ts";
import { answerApproval } from "./answer-approval.ts";

const approver = "U024BE7LH";

/** The desk in Slack's place, and the function behind its callbacks. */
const openDesk = async () => {
  const stack = new AsyncDisposableStack();
  const world = createMemoryWorld();
  stack.defer(world.close);
  const server = createServer(async (request, response) => {
    const rawBody = await buffer(request);
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, [value].flat()[0]]),
    );
    const { status, body } = await answer({ rawBody, headers });
    response.writeHead(status).end(body);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  stack.defer(() => new Promise<void>((closed) => void server.close(() => closed())));
  const { port } = server.address() as AddressInfo;
  const desk = stack.use(
    await startDesk({
      callbackUrl: () => `http://127.0.0.1:${port}/`,
      signingSecret: "secret",
      clock: world.clock,
    }),
  );
  const slack: SlackApi = new WebClient(desk.options.botToken, {
    slackApiUrl: `${desk.url}/api/`,
    retryConfig: { retries: 0 },
  });
  const channel = createSlackChannel({
    slack,
    channel: desk.options.channel.id,
    warn: () => undefined,
    render: (state: Parameters<typeof renderMessageBlocks>[0]) => renderMessageBlocks(state, undefined),
  });
  const messages = createDeliveryMessages({ ...world, channel });
  const needs = { ...world, slack, messages };
  const answer = answerApproval({
    ...needs,
    startFollowUp: (followUp) => finishApproval(needs)(followUp),
    signingSecrets: async () => ["secret"],
    teamId: desk.options.teamId,
    appId: desk.options.appId,
  });
  const post = async (path: string, body: object): Promise<unknown> =>
    (
      await fetch(`${desk.url}${path}`, {
        method: "POST",
        headers: { origin: desk.url, "content-type": "application/json" },
        body: JSON.stringify({ as: approver, ...body }),
      })
    ).json();
  return { world, messages, desk, post, [Symbol.asyncDispose]: () => stack.disposeAsync() };
};

test("on the desk an inconclusive check is approved by typing the model's name, and by nothing else", async () => {
  await using setup = await openDesk();
  const { world, messages, desk, post } = setup;
  world.engine.waiting.add("token");
  const check = { name: "auc", measured: 0.8, limit: 0.75, unit: "", detail: "0.8 to 0.7" };
  const { id, delivery } = await world.approvals.ask(
    createNewApproval(world, {
      delivery: "toy-1",
      letter: "a",
      version: 1,
      evidence: { ...approvalDefaults.evidence, checks: [{ ...check, verdict: "inconclusive" }] },
    }),
    "token",
  );
  await messages.show(delivery);
  const { ts } = (await messages.posted(delivery)) ?? {};
  const readState = async () => (await world.approvals.read(id))?.state;

  expect(await post("/desk/clicks", { ts, block: "decision", action: "approve" })).toEqual({
    status: "answered",
  });
  const view = desk.options.state.viewOf(approver);
  expect(await readState()).toEqual({ status: "pending", votes: [] });
  const dialog = JSON.stringify(view?.modal);
  expect(dialog).toContain("1 check is inconclusive (auc).");
  expect(dialog).toContain("Type toy to approve nevertheless");

  expect(await post(`/desk/views/${view?.id}`, { typed: { confirmation: "yes" } })).toEqual({
    status: "refused",
    errors: { confirmation: "Type the model's name: toy" },
  });
  expect(await readState()).toEqual({ status: "pending", votes: [] });
  expect(await post(`/desk/views/${view?.id}`, { typed: { confirmation: "toy" } })).toEqual({
    status: "closed",
  });
  expect(world.engine.answers).toMatchObject([{ output: { status: "approved", by: [{ user: approver }] } }]);
  expect(await messages.state(delivery)).toMatchObject({ question: { status: "approved" } });
});
