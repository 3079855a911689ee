import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebClient } from "@slack/web-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildApprovalBlocks, rejectDialog } from "#test/support/desk/sample-deliveries.ts";
import { silentLogger } from "#test/support/desk/silent-logger.ts";
import { startDesk } from "#test/support/desk/start-desk.ts";
import { openDeskState } from "./desk-state.ts";

const text = (length: number) => "x".repeat(length);
const plain = (length: number) => ({ type: "plain_text", text: text(length) });
const mrkdwn = (length: number) => ({ type: "mrkdwn", text: text(length) });
const button = (changes: object = {}) => ({ type: "button", text: plain(4), ...changes });
const actions = (changes: object = {}) => ({ type: "actions", elements: [button(changes)] });
const many = <Type>(count: number, make: (index: number) => Type) =>
  Array.from({ length: count }, (_, index) => make(index));
const url = (length: number) => "https://example.com/".padEnd(length, "x");

let desk: Awaited<ReturnType<typeof startDesk>>;
let channel: string;
beforeAll(async () => {
  desk = await startDesk({ rates: {} });
  channel = desk.options.channel.id;
});
afterAll(() => desk[Symbol.asyncDispose]());

const client = (token = "xoxb-of-the-test", at = desk.url) =>
  new WebClient(token, {
    slackApiUrl: `${at}/api/`,
    logger: silentLogger,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
  });
/** The error's name and Slack's messages, or "ok". */
const outcome = async (call: Promise<unknown>): Promise<{ error: string; messages: string }> => {
  try {
    await call;
    return { error: "ok", messages: "" };
  } catch (error) {
    const { data } = error as { data: { error: string; response_metadata?: { messages?: string[] } } };
    return { error: data.error, messages: (data.response_metadata?.messages ?? []).join("\n") };
  }
};
const post = (blocks: unknown, content = "text") =>
  outcome(client().apiCall("chat.postMessage", { channel, text: content, blocks }));
const trigger = () => {
  const id = `1.${Math.random()}`;
  desk.options.state.addTrigger(id, "U024BE7LH", Date.now() + 3_000);
  return id;
};
const open = (view: object) => outcome(client().apiCall("views.open", { trigger_id: trigger(), view }));

describe("Slack's own client", () => {
  test("posts, edits and reads back a message", async () => {
    const slack = client();
    const posted = await slack.chat.postMessage({
      channel,
      text: "question",
      blocks: buildApprovalBlocks(desk.url) as never,
    });
    const edited = await slack.chat.update({ channel, ts: posted.ts ?? "", text: "answered", blocks: [] });
    const history = await slack.conversations.history({ channel, limit: 1 });
    expect(posted).toMatchObject({ ok: true, channel, message: { type: "message", text: "question" } });
    expect(posted.ts).toMatch(/^\d{10}\.\d{6}$/);
    expect(edited).toMatchObject({ ok: true, ts: posted.ts, text: "answered" });
    expect(history.messages?.[0]).toMatchObject({ ts: posted.ts, text: "answered", blocks: [] });
  });

  test("an edit without blocks keeps the message's blocks", async () => {
    const { ts = "" } = await client().chat.postMessage({ channel, text: "q", blocks: [actions()] as never });
    const edited = await client().chat.update({ channel, ts, text: "other" });
    expect(edited.message).toMatchObject({ text: "other", blocks: [{ type: "actions" }] });
  });

  const about = (delivery: string) => ({ event_type: "slipway_delivery", event_payload: { delivery } });
  const newest = async (options: object) =>
    (await client().conversations.history({ channel, limit: 1, ...options })).messages?.[0];

  test("a message's metadata is returned only on request", async () => {
    const posted = await client().chat.postMessage({ channel, text: "q", metadata: about("first") });
    expect(posted.message).not.toHaveProperty("metadata");
    expect(await newest({ include_all_metadata: true })).toMatchObject({ metadata: about("first") });
    expect(await newest({ include_all_metadata: false })).not.toHaveProperty("metadata");
    expect(await newest({})).not.toHaveProperty("metadata");
  });
  test("an edit keeps a message's metadata, replaces it, or removes it with {}", async () => {
    const { ts = "" } = await client().chat.postMessage({ channel, text: "q", metadata: about("first") });
    const all = { include_all_metadata: true };
    await client().chat.update({ channel, ts, text: "kept" });
    expect(await newest(all)).toMatchObject({ text: "kept", metadata: about("first") });
    await client().chat.update({ channel, ts, text: "replaced", metadata: about("second") });
    expect(await newest(all)).toMatchObject({ text: "replaced", metadata: about("second") });
    await client().apiCall("chat.update", { channel, ts, text: "bare", metadata: {} });
    expect(await newest(all)).not.toHaveProperty("metadata");
  });
  test.each<[string, unknown]>([
    ["invalid_metadata_format", "{"],
    ["invalid_metadata_format", "1"],
    ["invalid_metadata_schema", { event_type: "a" }],
    ["invalid_metadata_schema", { event_type: "", event_payload: {} }],
    ["invalid_metadata_schema", { event_type: "a b", event_payload: {} }],
    ["invalid_metadata_schema", { event_type: "a", event_payload: { deep: { deeper: { deepest: 1 } } } }],
    ["invalid_metadata_schema", { event_type: "a", event_payload: {}, other: 1 }],
    ["metadata_too_large", about(text(8_000))],
  ])("metadata is refused as %s: %j", async (error, metadata) => {
    expect(
      await outcome(client().apiCall("chat.postMessage", { channel, text: "q", metadata })),
    ).toMatchObject({
      error,
    });
  });

  test("every message gets a different timestamp, in the order of posting", async () => {
    const stamps: string[] = [];
    for (const content of ["a", "b", "c"])
      stamps.push((await client().chat.postMessage({ channel, text: content })).ts ?? "");
    expect(new Set(stamps).size).toBe(3);
    expect(stamps.toSorted()).toEqual(stamps);
  });

  test("reads its own user, the channel and other users", async () => {
    expect(await client().auth.test()).toMatchObject({
      ok: true,
      team_id: "T0SLIPWAY",
      user_id: "U0SLIPWAY",
    });
    expect(await client().usergroups.users.list({ usergroup: "S0APPROVERS" })).toMatchObject({
      ok: true,
      users: ["U024BE7LH"],
    });
    expect(await client().users.info({ user: "U0AUTHOR" })).toMatchObject({
      user: { real_name: "Sam Carter", profile: { email: "sam.carter@example.com" } },
    });
    expect(await client().conversations.list()).toMatchObject({ channels: [{ name: "model-deliveries" }] });
  });

  test("a message longer than 40,000 characters is truncated, as Slack does", async () => {
    const { message } = await client().chat.postMessage({ channel, text: text(40_001) });
    expect(message?.text).toHaveLength(40_000);
  });

  test.each([
    [
      "not_authed",
      () =>
        outcome(
          new WebClient(undefined, { slackApiUrl: `${desk.url}/api/`, logger: silentLogger }).auth.test(),
        ),
    ],
    ["invalid_auth", () => outcome(client("xoxb-another").auth.test())],
    ["unknown_method", () => outcome(client().apiCall("chat.scheduleMessage", {}))],
    ["channel_not_found", () => outcome(client().chat.postMessage({ channel: "C0OTHER", text: "x" }))],
    ["no_text", () => outcome(client().apiCall("chat.postMessage", { channel }))],
    ["message_not_found", () => outcome(client().chat.update({ channel, ts: "1.000000", text: "x" }))],
    ["no_such_subteam", () => outcome(client().usergroups.users.list({ usergroup: "S0NOBODY" }))],
    ["user_not_found", () => outcome(client().users.info({ user: "U0NOBODY" }))],
    ["user_not_in_channel", () => outcome(client().chat.postEphemeral({ channel, user: "U0NO", text: "x" }))],
    ["invalid_blocks_format", () => outcome(client().apiCall("chat.postMessage", { channel, blocks: "{" }))],
    [
      "invalid_trigger_id",
      () => outcome(client().views.open({ trigger_id: "0", view: rejectDialog as never })),
    ],
  ])("gets Slack's error %s", async (error, call) => {
    expect((await call()).error).toBe(error);
  });

  test("a JSON body is accepted like a form", async () => {
    const response = await fetch(`${desk.url}/api/chat.postMessage`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer xoxb-of-the-test" },
      body: JSON.stringify({ channel, blocks: [actions()] }),
    });
    expect(await response.json()).toMatchObject({ ok: true });
  });
});

describe("a trigger", () => {
  test("opens one view, once", async () => {
    const id = trigger();
    const openView = () => outcome(client().views.open({ trigger_id: id, view: rejectDialog as never }));
    expect((await openView()).error).toBe("ok");
    expect((await openView()).error).toBe("exchanged_trigger_id");
  });
  test("expires after three seconds", async () => {
    let now = 1_700_000_000_000;
    await using deskWithClock = await startDesk({ clock: () => now });
    deskWithClock.options.state.addTrigger("1.1", "U024BE7LH", now + 3_000);
    now += 3_001;
    const opened = client(undefined, deskWithClock.url).views.open({
      trigger_id: "1.1",
      view: rejectDialog as never,
    });
    expect((await outcome(opened)).error).toBe("expired_trigger_id");
  });
});

describe("Slack's limits", () => {
  const section = (changes: object) => ({ type: "section", ...changes });
  const context = (count: number) => ({ type: "context", elements: many(count, () => mrkdwn(1)) });
  const actionsOf = (count: number) => ({ type: "actions", elements: many(count, () => button()) });
  const noMoreThan = (items: number) => `no more than ${items} items allowed`;
  const lessThan = (length: number) => `must be less than ${length + 1} characters`;

  test.each<[string, unknown, unknown, string, string]>([
    [
      "50 blocks",
      many(50, () => ({ type: "divider" })),
      many(51, () => ({ type: "divider" })),
      noMoreThan(50),
      "/blocks",
    ],
    [
      "a header of 150",
      [{ type: "header", text: plain(150) }],
      [{ type: "header", text: plain(151) }],
      lessThan(150),
      "/blocks/0/text/text",
    ],
    [
      "a section of 3,000",
      [section({ text: mrkdwn(3_000) })],
      [section({ text: mrkdwn(3_001) })],
      lessThan(3_000),
      "/blocks/0/text/text",
    ],
    [
      "10 fields",
      [section({ fields: many(10, () => mrkdwn(1)) })],
      [section({ fields: many(11, () => mrkdwn(1)) })],
      noMoreThan(10),
      "/blocks/0/fields",
    ],
    [
      "a field of 2,000",
      [section({ fields: [mrkdwn(2_000)] })],
      [section({ fields: [mrkdwn(2_001)] })],
      lessThan(2_000),
      "/blocks/0/fields/0/text",
    ],
    ["10 context elements", [context(10)], [context(11)], noMoreThan(10), "/blocks/0/elements"],
    ["25 buttons", [actionsOf(25)], [actionsOf(26)], noMoreThan(25), "/blocks/0/elements"],
    [
      "a button of 75",
      [actions({ text: plain(75) })],
      [actions({ text: plain(76) })],
      lessThan(75),
      "/blocks/0/elements/0/text/text",
    ],
    [
      "a value of 2,000",
      [actions({ value: text(2_000) })],
      [actions({ value: text(2_001) })],
      lessThan(2_000),
      "/blocks/0/elements/0/value",
    ],
    [
      "an action_id of 255",
      [actions({ action_id: text(255) })],
      [actions({ action_id: text(256) })],
      lessThan(255),
      "/blocks/0/elements/0/action_id",
    ],
    [
      "a block_id of 255",
      [{ type: "divider", block_id: text(255) }],
      [{ type: "divider", block_id: text(256) }],
      lessThan(255),
      "/blocks/0/block_id",
    ],
    [
      "a url of 3,000",
      [actions({ url: url(3_000) })],
      [actions({ url: url(3_001) })],
      lessThan(3_000),
      "/blocks/0/elements/0/url",
    ],
    [
      "non-empty text",
      [section({ text: mrkdwn(1) })],
      [section({ text: mrkdwn(0) })],
      "must be more than 0 characters",
      "/blocks/0/text/text",
    ],
    ["plain buttons", [actions()], [actions({ text: mrkdwn(1) })], "", "/blocks/0/elements/0/text/type"],
    [
      "known styles",
      [actions({ style: "danger" })],
      [actions({ style: "green" })],
      "",
      "/blocks/0/elements/0/style",
    ],
    ["known blocks", [{ type: "divider" }], [{ type: "hologram" }], "unsupported type", "/blocks/0"],
    [
      "known properties",
      [{ type: "divider" }],
      [{ type: "divider", colour: "red" }],
      "invalid additional property: colour",
      "/blocks/0",
    ],
    [
      "text or fields",
      [section({ text: mrkdwn(1) })],
      [section({})],
      "must define either `text` or `fields`",
      "/blocks/0",
    ],
    [
      "a block_id once",
      [
        { type: "divider", block_id: "a" },
        { type: "divider", block_id: "b" },
      ],
      [
        { type: "divider", block_id: "a" },
        { type: "divider", block_id: "a" },
      ],
      "`block_id` already exists",
      "/blocks/1/block_id",
    ],
    [
      "an action_id once in its block",
      [actions({ action_id: "a" }), actions({ action_id: "a" })],
      [{ type: "actions", elements: [button({ action_id: "a" }), button({ action_id: "a" })] }],
      "`action_id` already exists",
      "/blocks/0/elements/1/action_id",
    ],
  ])("a message's limit: %s", async (_, within, beyond, message, pointer) => {
    expect(await post(within)).toEqual({ error: "ok", messages: "" });
    const refused = await post(beyond);
    expect(refused.error).toBe("invalid_blocks");
    expect(refused.messages).toContain("[ERROR] ");
    expect(refused.messages).toContain(message);
    expect(refused.messages).toContain(`[json-pointer:${pointer}`);
  });

  test("the text of all blocks together is limited", async () => {
    const blocks = (last: number) => [
      ...many(3, () => section({ text: mrkdwn(3_000) })),
      section({ text: mrkdwn(last) }),
    ];
    expect((await post(blocks(1_000))).error).toBe("ok");
    expect((await post(blocks(1_001))).error).toBe("msg_blocks_too_long");
  });

  const modal = (changes: object) => ({ ...rejectDialog, ...changes });
  const input = (label: number, element: object = {}) => ({
    type: "input",
    label: plain(label),
    element: { type: "plain_text_input", ...element },
  });
  test.each<[string, object, object, string]>([
    ["a title of 24", { title: plain(24) }, { title: plain(25) }, "/view/title/text"],
    ["a submit of 24", { submit: plain(24) }, { submit: plain(25) }, "/view/submit/text"],
    ["a close of 24", { close: plain(24) }, { close: plain(25) }, "/view/close/text"],
    [
      "metadata of 3,000",
      { private_metadata: text(3_000) },
      { private_metadata: text(3_001) },
      "/view/private_metadata",
    ],
    ["a callback_id of 255", { callback_id: text(255) }, { callback_id: text(256) }, "/view/callback_id"],
    [
      "100 blocks",
      { blocks: many(100, () => ({ type: "divider" })) },
      { blocks: many(101, () => ({ type: "divider" })) },
      "/view/blocks",
    ],
    ["a label of 2,000", { blocks: [input(2_000)] }, { blocks: [input(2_001)] }, "/view/blocks/0/label/text"],
    [
      "a max_length of 3,000",
      { blocks: [input(1, { max_length: 3_000 })] },
      { blocks: [input(1, { max_length: 3_001 })] },
      "/view/blocks/0/element/max_length",
    ],
    ["inputs with a submit", {}, { submit: undefined }, "/view/submit"],
  ])("a view's limit: %s", async (_, within, beyond, pointer) => {
    expect(await open(modal(within))).toEqual({ error: "ok", messages: "" });
    const refused = await open(modal(beyond));
    expect(refused.error).toBe("invalid_arguments");
    expect(refused.messages).toContain(`[json-pointer:${pointer}]`);
  });

  test("a burst of 25 messages passes, and the next one waits a second, as Retry-After says", async () => {
    let now = 1_700_000_000_000;
    await using deskWithClock = await startDesk({ clock: () => now });
    const slack = client(undefined, deskWithClock.url);
    for (let sent = 0; sent < 25; sent++) await slack.chat.postMessage({ channel, text: "x" });
    const refused: unknown = await slack.chat.postMessage({ channel, text: "x" }).catch((error) => error);
    expect(refused).toMatchObject({ code: "slack_webapi_rate_limited_error", retryAfter: 1 });
    now += 1_000;
    expect(await slack.chat.postMessage({ channel, text: "x" })).toMatchObject({ ok: true });
  });
});

test("messages survive a restart", async () => {
  const folder = await mkdtemp(join(tmpdir(), "slipway-desk-"));
  const path = join(folder, "desk.sqlite");
  try {
    const first = openDeskState(path);
    const running = await startDesk({ state: first });
    const { ts = "" } = await client(undefined, running.url).chat.postMessage({ channel, text: "kept" });
    await running[Symbol.asyncDispose]();
    first.close();
    const second = openDeskState(path);
    expect(second.message(ts)?.text).toBe("kept");
    expect(Number(second.nextTs(0))).toBeGreaterThan(Number(ts));
    second.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});
