import { WebClient } from "@slack/web-api";
import { describe, expect, test } from "vitest";
import { type Callback, startCallbackServer } from "#test/support/desk/callback-server.ts";
import { buildApprovalBlocks, rejectDialog } from "#test/support/desk/sample-deliveries.ts";
import { silentLogger } from "#test/support/desk/silent-logger.ts";
import { startDesk } from "#test/support/desk/start-desk.ts";
import { signSlackRequest } from "./sign-slack-request.ts";

const secret = "a signing secret of the test";
type CallbackHandler = Parameters<typeof startCallbackServer>[1];

/** A desk with an open approval, and the app that receives its callbacks. */
const openDesk = async (respond: CallbackHandler, overrides: Parameters<typeof startDesk>[0] = {}) => {
  const app = await startCallbackServer(secret, respond);
  const desk = await startDesk({ callbackUrl: () => app.url, callbackTimeoutMs: 200, ...overrides });
  const slack = new WebClient(desk.options.botToken, {
    slackApiUrl: `${desk.url}/api/`,
    logger: silentLogger,
    retryConfig: { retries: 0 },
  });
  const channel = desk.options.channel.id;
  const { ts = "" } = await slack.chat.postMessage({
    channel,
    text: "question",
    blocks: buildApprovalBlocks(desk.url) as never,
  });
  const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
    const response = await fetch(`${desk.url}${path}`, {
      method: "POST",
      headers: { origin: desk.url, "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: await response.json().catch(() => undefined) };
  };
  return {
    app,
    desk,
    slack,
    channel,
    ts,
    post,
    click: (action: string, as = "U024BE7LH") =>
      post("/desk/clicks", { as, ts, block: "decision", action }).then(({ body }) => body),
    [Symbol.asyncDispose]: async () => {
      await desk[Symbol.asyncDispose]();
      await app[Symbol.asyncDispose]();
    },
  };
};
const respondOk: CallbackHandler = async () => ({});
const view = (callback: Callback | undefined) =>
  callback?.payload.view as { id: string; state: { values: unknown }; private_metadata: string };

test("a request is signed as in Slack's own example", () => {
  // https://docs.slack.dev/authentication/verifying-requests-from-slack
  const body =
    "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
  expect(signSlackRequest("8f742231b10e8888abcd99yyyzzz85a5", 1531420618, body)).toBe(
    "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
  );
});

describe("a click", () => {
  test("reaches the app signed, as block_actions in Slack's form", async () => {
    await using setup = await openDesk(respondOk);
    expect(await setup.click("approve")).toEqual({ status: "answered" });
    expect(setup.app.received).toHaveLength(1);
    expect(setup.app.received[0]?.verified).toBe(true);
    expect(setup.app.received[0]?.payload).toMatchObject({
      type: "block_actions",
      user: { id: "U024BE7LH", username: "ada", name: "ada", team_id: "T0SLIPWAY" },
      api_app_id: "A0SLIPWAY",
      team: { id: "T0SLIPWAY", domain: "slipway" },
      channel: { id: "C0DELIVERY", name: "model-deliveries" },
      container: { type: "message", message_ts: setup.ts, channel_id: "C0DELIVERY", is_ephemeral: false },
      message: { type: "message", ts: setup.ts, text: "question" },
      trigger_id: expect.stringMatching(/^\d+\..+/),
      response_url: expect.stringContaining(`${setup.desk.url}/response/`),
      actions: [
        {
          action_id: "approve",
          block_id: "decision",
          type: "button",
          value: "appr-7c1d",
          style: "primary",
          text: { type: "plain_text", text: "Approve", emoji: true },
          action_ts: expect.stringMatching(/^\d+\.\d{6}$/),
        },
      ],
    });
  });

  test("on a link button reaches the app too", async () => {
    await using setup = await openDesk(respondOk);
    await setup.click("open-delivery");
    expect(setup.app.received[0]?.payload).toMatchObject({
      actions: [{ action_id: "open-delivery", url: expect.any(String) }],
    });
  });

  test.each<[string, CallbackHandler, string]>([
    ["does not respond in time", async () => undefined, "Operation timed out"],
    ["responds with an error", async () => ({ status: 500 }), "status code 500"],
  ])("on an app that %s shows the user an error", async (_, respond, notice) => {
    await using setup = await openDesk(respond);
    expect(await setup.click("approve")).toMatchObject({
      status: "failed",
      notice: expect.stringContaining(notice),
    });
  });

  test("on an unreachable app shows the user an error without its address", async () => {
    await using setup = await openDesk(respondOk, { callbackUrl: () => "http://127.0.0.1:9/" });
    expect(await setup.click("approve")).toEqual({ status: "failed", notice: "This app is not responding." });
  });

  test("on a removed button does nothing", async () => {
    await using setup = await openDesk(respondOk);
    await setup.slack.chat.update({ channel: setup.channel, ts: setup.ts, text: "decided", blocks: [] });
    expect(await setup.click("approve")).toMatchObject({ status: "failed" });
    expect(
      await setup.post("/desk/clicks", {
        as: "U0NOBODY",
        ts: setup.ts,
        block: "decision",
        action: "approve",
      }),
    ).toMatchObject({ status: 404 });
    expect(setup.app.received).toHaveLength(0);
  });
});

describe("a dialog", () => {
  /** The app opens the dialog at a click on Reject and responds to the submission with `respond`. */
  const openDialog = async (respond: (callback: Callback) => { status?: number; body?: string }) => {
    const setup: Awaited<ReturnType<typeof openDesk>> = await openDesk(async (callback) => {
      if (callback.payload.type === "view_submission") return respond(callback);
      await setup.slack.views.open({
        trigger_id: String(callback.payload.trigger_id),
        view: rejectDialog as never,
      });
      return {};
    });
    await setup.click("reject");
    const { id = "" } = setup.desk.options.state.viewOf("U024BE7LH") ?? {};
    return {
      ...setup,
      id,
      submit: (reason: string, as = "U024BE7LH") =>
        setup.post(`/desk/views/${id}`, { as, typed: { reason } }),
    };
  };

  test("is submitted signed, with the typed text and the app's metadata", async () => {
    await using setup = await openDialog(() => ({}));
    expect((await setup.submit("not on a Friday")).body).toEqual({ status: "closed" });
    const submission = setup.app.received[1];
    expect(submission?.verified).toBe(true);
    expect(submission?.payload).toMatchObject({
      type: "view_submission",
      user: { id: "U024BE7LH" },
      team: { id: "T0SLIPWAY" },
    });
    expect(view(submission)).toMatchObject({
      callback_id: "reject-reason",
      private_metadata: "appr-7c1d",
      state: { values: { reason: { reason: { type: "plain_text_input", value: "not on a Friday" } } } },
    });
    expect(setup.desk.options.state.viewOf("U024BE7LH")).toBeUndefined();
  });

  test("without its required reason never reaches the app", async () => {
    await using setup = await openDialog(() => ({}));
    expect((await setup.submit("  ")).body).toEqual({
      status: "refused",
      errors: { reason: "Please complete this required field." },
    });
    expect((await setup.submit("x".repeat(501))).body).toMatchObject({ status: "refused" });
    expect(setup.app.received).toHaveLength(1);
  });

  test.each([
    [
      "errors",
      { response_action: "errors", errors: { reason: "Too short." } },
      { status: "refused", errors: { reason: "Too short." } },
    ],
    ["clear", { response_action: "clear" }, { status: "closed" }],
    ["nonsense", { response_action: "dance" }, { status: "failed" }],
  ])("follows the app's response: %s", async (_, body, result) => {
    await using setup = await openDialog(() => ({ body: JSON.stringify(body) }));
    expect((await setup.submit("because")).body).toMatchObject(result);
  });

  test("accepts a submission only from the user who clicked", async () => {
    await using setup = await openDialog(() => ({}));
    expect(await setup.submit("mine now", "U0AUTHOR")).toMatchObject({ status: 404 });
  });
});

test("a response_url accepts five responses, which edit the message or show an ephemeral one", async () => {
  await using setup = await openDesk(respondOk);
  await setup.click("approve");
  const path = new URL(String(setup.app.received[0]?.payload.response_url)).pathname;
  expect((await setup.post(path, { replace_original: true, text: "replaced" })).status).toBe(200);
  expect(setup.desk.options.state.message(setup.ts)).toMatchObject({ text: "replaced", blocks: [] });
  await setup.post(path, { text: "for you" });
  expect(setup.desk.options.state.messages(1)[0]).toMatchObject({ text: "for you", onlyFor: "U024BE7LH" });
  for (let use = 3; use <= 5; use++) await setup.post(path, { text: "again" });
  expect(await setup.post(path, { text: "once more" })).toMatchObject({
    status: 404,
    body: { error: "expired_url" },
  });
});

describe("the page", () => {
  const page = async (url: string, headers: Record<string, string> = {}) => {
    const response = await fetch(url, { headers });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };

  test("shows an ephemeral message only to its user", async () => {
    await using setup = await openDesk(respondOk);
    await setup.slack.chat.postEphemeral({ channel: setup.channel, user: "U0AUTHOR", text: "psst" });
    expect((await page(`${setup.desk.url}/?as=U0AUTHOR`)).text).toContain("psst");
    expect((await page(`${setup.desk.url}/`)).text).not.toContain("psst");
    expect((await page(`${setup.desk.url}/desk/channel?as=U0GUEST1`)).text).not.toContain("psst");
    const history = await setup.slack.conversations.history({ channel: setup.channel });
    expect(JSON.stringify(history)).not.toContain("psst");
  });

  test.each(["/", "/desk/channel", "/desk/assets/desk.js", "/api/auth.test"])(
    "refuses %s for a foreign host name (DNS rebinding)",
    async (path) => {
      await using desk = await startDesk();
      const request = (host: string) => desk.desk.request(`http://127.0.0.1${path}`, { headers: { host } });
      expect((await request("attacker.example:8080")).status).toBe(403);
      expect((await request("127.0.0.1.attacker.example")).status).toBe(403);
      for (const host of ["localhost:3000", "127.0.0.1:3000", "[::1]:3000"])
        expect((await request(host)).status).toBe(200);
    },
  );

  test.each([{ origin: "https://attacker.example" }, { origin: "null" }, { origin: "http://127.0.0.1:1" }])(
    "refuses a click from another origin: %o",
    async (headers) => {
      await using setup = await openDesk(respondOk);
      const click = { as: "U024BE7LH", ts: setup.ts, block: "decision", action: "approve" };
      expect((await setup.post("/desk/clicks", click, headers)).status).toBe(403);
      expect(setup.app.received).toHaveLength(0);
    },
  );

  test("loads nothing from other origins and has no inline script or style", async () => {
    await using setup = await openDesk(respondOk);
    const { headers, text } = await page(`${setup.desk.url}/`);
    expect(headers.get("content-security-policy")).toContain("default-src 'self'");
    expect(text).not.toMatch(/<script(?![^>]*src=)|<style| style="| on[a-z]+="/);
    for (const [, address] of text.matchAll(/(?:src|<link[^>]*href)="([^"]*)"/g))
      expect(address).toMatch(/^\//);
  });

  test("shows the names of users, not their ids", async () => {
    await using setup = await openDesk(respondOk);
    expect((await page(`${setup.desk.url}/`)).text).toContain('<span class="mention">@Ada Byron</span>');
  });

  test("that is open does not delay the desk's stop", async () => {
    const desk = await startDesk();
    const events = await fetch(`${desk.url}/desk/events`);
    const reader = events.body?.getReader();
    await reader?.read();
    await desk[Symbol.asyncDispose]();
    expect((await reader?.read())?.done).toBe(true);
  });

  test("does not contain the token or the secret", async () => {
    await using setup = await openDesk(respondOk);
    const { text } = await page(`${setup.desk.url}/`);
    expect(text).not.toContain(setup.desk.options.botToken);
    expect(text).not.toContain(secret);
  });
});
