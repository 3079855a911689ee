import { WebClient } from "@slack/web-api";
import { describe, expect, test } from "vitest";
import { type Callback, startCallbackServer } from "#test/support/desk/callback-server.ts";
import {
  buildApprovalBlocks,
  failedDelivery,
  failedHistory,
  promotedDelivery,
  rejectDialog,
  sampleDelivery,
} from "#test/support/desk/sample-deliveries.ts";
import { silentLogger } from "#test/support/desk/silent-logger.ts";
import { startDesk } from "#test/support/desk/start-desk.ts";
import { signSlackRequest } from "./sign-slack-request.ts";

const secret = "a signing secret of the test";
type Answer = Parameters<typeof startCallbackServer>[1];

/** A desk with a question on it, and the app that its callbacks go to. */
const asked = async (answer: Answer, given: Parameters<typeof startDesk>[0] = {}) => {
  const app = await startCallbackServer(secret, answer);
  const desk = await startDesk({ callbackUrl: () => app.url, callbackTimeoutMs: 200, ...given });
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
const fine: Answer = async () => ({});
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
    await using it = await asked(fine);
    expect(await it.click("approve")).toEqual({ status: "answered" });
    expect(it.app.received).toHaveLength(1);
    expect(it.app.received[0]?.verified).toBe(true);
    expect(it.app.received[0]?.payload).toMatchObject({
      type: "block_actions",
      user: { id: "U024BE7LH", username: "ada", name: "ada", team_id: "T0SLIPWAY" },
      api_app_id: "A0SLIPWAY",
      team: { id: "T0SLIPWAY", domain: "slipway" },
      channel: { id: "C0DELIVERY", name: "model-deliveries" },
      container: { type: "message", message_ts: it.ts, channel_id: "C0DELIVERY", is_ephemeral: false },
      message: { type: "message", ts: it.ts, text: "question" },
      trigger_id: expect.stringMatching(/^\d+\..+/),
      response_url: expect.stringContaining(`${it.desk.url}/response/`),
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
    await using it = await asked(fine);
    await it.click("open-delivery");
    expect(it.app.received[0]?.payload).toMatchObject({
      actions: [{ action_id: "open-delivery", url: expect.any(String) }],
    });
  });

  test.each<[string, Answer, string]>([
    ["does not answer in time", async () => undefined, "Operation timed out"],
    ["answers with an error", async () => ({ status: 500 }), "status code 500"],
  ])("on an app that %s is told to the person", async (_, answer, notice) => {
    await using it = await asked(answer);
    expect(await it.click("approve")).toMatchObject({
      status: "failed",
      notice: expect.stringContaining(notice),
    });
  });

  test("on an app that is not there is told to the person, without its address", async () => {
    await using it = await asked(fine, { callbackUrl: () => "http://127.0.0.1:9/" });
    expect(await it.click("approve")).toEqual({ status: "failed", notice: "This app is not responding." });
  });

  test("on a button that is not there any more does nothing", async () => {
    await using it = await asked(fine);
    await it.slack.chat.update({ channel: it.channel, ts: it.ts, text: "decided", blocks: [] });
    expect(await it.click("approve")).toMatchObject({ status: "failed" });
    expect(
      await it.post("/desk/clicks", { as: "U0NOBODY", ts: it.ts, block: "decision", action: "approve" }),
    ).toMatchObject({ status: 404 });
    expect(it.app.received).toHaveLength(0);
  });
});

describe("a dialog", () => {
  /** The app opens the dialog at a click on Reject; what it answers to the submission is given. */
  const withDialog = async (answer: (callback: Callback) => { status?: number; body?: string }) => {
    const it: Awaited<ReturnType<typeof asked>> = await asked(async (callback) => {
      if (callback.payload.type === "view_submission") return answer(callback);
      await it.slack.views.open({
        trigger_id: String(callback.payload.trigger_id),
        view: rejectDialog as never,
      });
      return {};
    });
    await it.click("reject");
    const { id = "" } = it.desk.options.state.viewOf("U024BE7LH") ?? {};
    return {
      ...it,
      id,
      submit: (reason: string, as = "U024BE7LH") => it.post(`/desk/views/${id}`, { as, typed: { reason } }),
    };
  };

  test("is submitted signed, with what was typed and the app's metadata", async () => {
    await using it = await withDialog(() => ({}));
    expect((await it.submit("not on a Friday")).body).toEqual({ status: "closed" });
    const submission = it.app.received[1];
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
    expect(it.desk.options.state.viewOf("U024BE7LH")).toBeUndefined();
  });

  test("without its required reason never reaches the app", async () => {
    await using it = await withDialog(() => ({}));
    expect((await it.submit("  ")).body).toEqual({
      status: "refused",
      errors: { reason: "Please complete this required field." },
    });
    expect((await it.submit("x".repeat(501))).body).toMatchObject({ status: "refused" });
    expect(it.app.received).toHaveLength(1);
  });

  test.each([
    [
      "errors",
      { response_action: "errors", errors: { reason: "Too short." } },
      { status: "refused", errors: { reason: "Too short." } },
    ],
    ["clear", { response_action: "clear" }, { status: "closed" }],
    ["nonsense", { response_action: "dance" }, { status: "failed" }],
  ])("answered with %s does what the app says", async (_, body, result) => {
    await using it = await withDialog(() => ({ body: JSON.stringify(body) }));
    expect((await it.submit("because")).body).toMatchObject(result);
  });

  test("is the clicker's alone", async () => {
    await using it = await withDialog(() => ({}));
    expect(await it.submit("mine now", "U0AUTHOR")).toMatchObject({ status: 404 });
  });
});

test("a response_url takes five answers, edits the message or whispers", async () => {
  await using it = await asked(fine);
  await it.click("approve");
  const path = new URL(String(it.app.received[0]?.payload.response_url)).pathname;
  expect((await it.post(path, { replace_original: true, text: "replaced" })).status).toBe(200);
  expect(it.desk.options.state.message(it.ts)).toMatchObject({ text: "replaced", blocks: [] });
  await it.post(path, { text: "for you" });
  expect(it.desk.options.state.messages(1)[0]).toMatchObject({ text: "for you", onlyFor: "U024BE7LH" });
  for (let use = 3; use <= 5; use++) await it.post(path, { text: "again" });
  expect(await it.post(path, { text: "once more" })).toMatchObject({
    status: 404,
    body: { error: "expired_url" },
  });
});

describe("the page", () => {
  const page = async (url: string, headers: Record<string, string> = {}) => {
    const response = await fetch(url, { headers });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };

  test("shows a whisper to its person alone", async () => {
    await using it = await asked(fine);
    await it.slack.chat.postEphemeral({ channel: it.channel, user: "U0AUTHOR", text: "psst" });
    expect((await page(`${it.desk.url}/?as=U0AUTHOR`)).text).toContain("psst");
    expect((await page(`${it.desk.url}/`)).text).not.toContain("psst");
    expect((await page(`${it.desk.url}/desk/channel?as=U0GUEST1`)).text).not.toContain("psst");
    const history = await it.slack.conversations.history({ channel: it.channel });
    expect(JSON.stringify(history)).not.toContain("psst");
  });

  test.each(["/", "/deliveries", "/desk/channel", "/desk/assets/desk.js", "/api/auth.test"])(
    "%s is refused to a foreign host name, as DNS rebinding would bring",
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
    "takes no click from another origin: %o",
    async (headers) => {
      await using it = await asked(fine);
      const click = { as: "U024BE7LH", ts: it.ts, block: "decision", action: "approve" };
      expect((await it.post("/desk/clicks", click, headers)).status).toBe(403);
      expect(it.app.received).toHaveLength(0);
    },
  );

  test("loads nothing from elsewhere and has no inline script or style", async () => {
    await using it = await asked(fine);
    for (const path of ["/", "/deliveries"]) {
      const { headers, text } = await page(`${it.desk.url}${path}`);
      expect(headers.get("content-security-policy")).toContain("default-src 'self'");
      expect(text).not.toMatch(/<script(?![^>]*src=)|<style| style="| on[a-z]+="/);
      for (const [, address] of text.matchAll(/(?:src|<link[^>]*href)="([^"]*)"/g))
        expect(address).toMatch(/^\//);
    }
  });

  test("names people, not their ids", async () => {
    await using it = await asked(fine);
    expect((await page(`${it.desk.url}/`)).text).toContain('<span class="mention">@Ada Byron</span>');
  });

  test("that is open does not keep the desk from stopping", async () => {
    const desk = await startDesk();
    const events = await fetch(`${desk.url}/desk/events`);
    const reader = events.body?.getReader();
    await reader?.read();
    await desk[Symbol.asyncDispose]();
    expect((await reader?.read())?.done).toBe(true);
  });

  test("names the token and the secret nowhere", async () => {
    await using it = await asked(fine);
    const { text } = await page(`${it.desk.url}/`);
    expect(text).not.toContain(it.desk.options.botToken);
    expect(text).not.toContain(secret);
  });
});

describe("a delivery's page", () => {
  const deliveries = {
    describe: async (name: string) => [failedDelivery, promotedDelivery].find((each) => each.name === name),
    history: async (name: string) => (name === sampleDelivery ? failedHistory : []),
    list: async () => ({ executions: [failedDelivery, promotedDelivery], cursor: "next page" }),
  };
  test("says where the model is, why it stopped and what to do", async () => {
    await using it = await asked(fine, { deliveries });
    const text = await (await fetch(`${it.desk.url}/deliveries/${sampleDelivery}`)).text();
    for (const expected of [
      "GateFailed",
      "the failed checks show by how much",
      "9f3c1e7a5b2d",
      "Sam Carter",
      "0.7331",
      "1,033 of 1,409",
      "VerifyStage",
      "1.9 s",
      "Image scan",
      `#m-${it.ts}`,
    ])
      expect(text).toContain(expected);
  });
  test("is listed with its outcome, and the next page is linked", async () => {
    await using it = await asked(fine, { deliveries });
    const text = await (await fetch(`${it.desk.url}/deliveries`)).text();
    for (const expected of [
      "promoted",
      "failed",
      "GateFailed",
      `/deliveries/${sampleDelivery}`,
      "after=next%20page",
    ])
      expect(text).toContain(expected);
  });
  test("that is not there is a 404 with a sentence", async () => {
    await using desk = await startDesk();
    const response = await fetch(`${desk.url}/deliveries/nobody`);
    expect(response.status).toBe(404);
    expect(await response.text()).toContain("There is no delivery of this name");
  });
});
