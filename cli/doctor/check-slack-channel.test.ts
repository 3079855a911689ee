import { expect, test } from "vitest";
import { stubSlackMethods } from "#test/support/slack-method-stub.ts";
import { checkSlackChannel } from "./check-slack-channel.ts";
import { postSlackTest } from "./post-slack-test.ts";

const check = (body: Readonly<Record<string, unknown>>) =>
  checkSlackChannel(stubSlackMethods({ "conversations.history": body }).needs, "C1");

test("a member reads the channel", async () => {
  expect(await check({ ok: true, messages: [], has_more: false })).toEqual({
    status: "ok",
    sentence: "The app is a member of the channel C1.",
  });
});

test("each reason why the app does not read it has its remedy", async () => {
  expect(await check({ ok: false, error: "not_in_channel" })).toMatchObject({
    status: "missing",
    sentence: expect.stringContaining("the app is not a member of it"),
    remedy: expect.stringContaining("/invite"),
  });
  expect(await check({ ok: false, error: "channel_not_found" })).toMatchObject({
    remedy: expect.stringContaining("slack.channel in terraform/config.ts"),
  });
  expect(
    await check({ ok: false, error: "missing_scope", needed: "channels:history", provided: "chat:write" }),
  ).toMatchObject({ remedy: expect.stringContaining("channels:history") });
  expect(await check({ ok: false, error: "ratelimited" })).toMatchObject({
    sentence: expect.stringContaining("Slack says ratelimited"),
  });
});

test("the test message goes to the channel, and says that nothing is to do", async () => {
  const slack = stubSlackMethods({ "chat.postMessage": { ok: true, channel: "C1", ts: "1.2" } });
  expect(await postSlackTest(slack.needs, "C1")).toMatchObject({ status: "ok" });
  expect(slack.calls).toEqual([
    {
      method: "chat.postMessage",
      parameters: { channel: "C1", text: expect.stringContaining("Nothing is to do") },
    },
  ]);
  const refused = stubSlackMethods({ "chat.postMessage": { ok: false, error: "is_archived" } });
  expect(await postSlackTest(refused.needs, "C1")).toMatchObject({
    status: "missing",
    sentence: expect.stringContaining("is_archived"),
  });
});
