import { WebClient } from "@slack/web-api";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { requireBrowser } from "#test/support/browser.ts";
import { type Callback, startCallbackServer } from "#test/support/desk/callback-server.ts";
import { approvedBlocks, buildApprovalBlocks, rejectDialog } from "#test/support/desk/sample-deliveries.ts";
import { startDesk } from "#test/support/desk/start-desk.ts";
import { findViolations } from "#test/support/find-violations.ts";
import { pressTabUntil } from "#test/support/press-tab-until.ts";

const { skip, launch } = requireBrowser();

/** An approval on the desk, an app that handles its clicks as Slipway does, and a browser on its page. */
const openDesk = async (respond: (slack: WebClient, callback: Callback) => Promise<{ body?: string }>) => {
  const stack = new AsyncDisposableStack();
  const secret = "a signing secret of the test";
  const app = stack.use(await startCallbackServer(secret, (callback) => respond(slack, callback)));
  const desk = stack.use(await startDesk({ callbackUrl: () => app.url, signingSecret: secret }));
  const slack = new WebClient(desk.options.botToken, { slackApiUrl: `${desk.url}/api/` });
  const chromium = stack.use(await launch());
  const page = await chromium.context.newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  const blocks = buildApprovalBlocks(desk.url) as never;
  await slack.chat.postMessage({ channel: "C0DELIVERY", text: "question", blocks });
  const look = async (path = "/") => {
    await page.goto(`${desk.url}${path}`);
    await page.locator('[data-live][data-state="live"]').waitFor();
  };
  return { app, desk, slack, page, problems, look, [Symbol.asyncDispose]: () => stack.disposeAsync() };
};
const readTimestamp = ({ payload }: Callback) => (payload.container as { message_ts: string }).message_ts;

test.skipIf(skip)("a click on Approve changes the message without a reload", async () => {
  await using setup = await openDesk(async (slack, callback) => {
    await slack.chat.update({
      channel: "C0DELIVERY",
      ts: readTimestamp(callback),
      text: "approved",
      blocks: approvedBlocks as never,
    });
    return {};
  });
  await setup.look();
  let loads = 0;
  setup.page.on("load", () => loads++);
  await setup.page.getByRole("button", { name: "Approve" }).click();
  await setup.page.getByRole("heading", { name: "churn v2 is being rolled out to prod" }).waitFor();
  expect(loads).toBe(0);
  expect(await setup.page.getByRole("button", { name: "Approve" }).count()).toBe(0);
  expect(await setup.page.getByText("(edited)").count()).toBe(1);
  expect(setup.app.received).toMatchObject([{ verified: true, payload: { user: { id: "U024BE7LH" } } }]);
  expect(setup.problems).toEqual([]);
});

test.skipIf(skip)(
  "Reject requires a reason, shows the error of a wrong reason, and closes with a valid one",
  async () => {
    await using setup = await openDesk(async (slack, { payload }) => {
      if (payload.type === "block_actions") {
        await slack.views.open({ trigger_id: String(payload.trigger_id), view: rejectDialog as never });
        return {};
      }
      return JSON.stringify(payload).includes("because")
        ? {}
        : { body: JSON.stringify({ response_action: "errors", errors: { reason: "Say why." } }) };
    });
    await setup.look();
    await setup.page.getByRole("button", { name: "Reject" }).click();
    const dialog = setup.page.getByRole("dialog");
    const send = dialog.getByRole("button", { name: "Reject" });
    await send.click();
    await dialog.getByText("Please complete this required field.").waitFor();
    await dialog.getByLabel("Why does it not go to prod?").fill("no");
    await send.click();
    await dialog.getByText("Say why.").waitFor();
    await dialog.getByLabel("Why does it not go to prod?").fill("because of the recall");
    await send.click();
    await dialog.waitFor({ state: "hidden" });
    expect(setup.app.received).toHaveLength(3);
    expect(setup.problems).toEqual([]);
  },
);

test.skipIf(skip)("a dialog ends with its page: a page that is opened later does not show it", async () => {
  await using setup = await openDesk(async (slack, { payload }) => {
    await slack.views.open({ trigger_id: String(payload.trigger_id), view: rejectDialog as never });
    return {};
  });
  await setup.look();
  const dialog = setup.page.getByRole("dialog");
  await setup.page.getByRole("button", { name: "Reject" }).click();
  await dialog.waitFor();
  await setup.page.reload();
  // Everything that a page shows by itself is there once it is connected.
  await setup.page.getByText("live", { exact: true }).waitFor();
  expect(await dialog.isVisible()).toBe(false);
  await setup.page.getByRole("button", { name: "Reject" }).click();
  await dialog.waitFor();
  expect(setup.problems).toEqual([]);
});

test.skipIf(skip)(
  "a click that asks for a confirmation is sent only after it, and Escape sends nothing; the keyboard alone is enough",
  async () => {
    await using setup = await openDesk(async () => ({}));
    const plain = (text: string) => ({ type: "plain_text" as const, text });
    const confirm = {
      title: plain("Approve churn v3?"),
      text: plain("churn v3 will be rolled out to prod."),
      confirm: plain("Approve it"),
      deny: plain("Cancel"),
    };
    const button = {
      type: "button" as const,
      action_id: "approve",
      text: plain("Approve v3"),
      value: "q",
      confirm,
    };
    await setup.slack.chat.postMessage({
      channel: "C0DELIVERY",
      text: "question",
      blocks: [{ type: "actions", elements: [button] }],
    });
    await setup.look();
    await pressTabUntil(setup.page, "Approve v3");
    await setup.page.keyboard.press("Enter");
    const dialog = setup.page.getByRole("dialog");
    await dialog.getByText("churn v3 will be rolled out to prod.").waitFor();
    await setup.page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    expect(setup.app.received).toEqual([]);
    // The focus is where it was before the dialog.
    await setup.page.keyboard.press("Enter");
    await dialog.waitFor();
    await pressTabUntil(setup.page, "Approve it");
    await setup.page.keyboard.press("Enter");
    await dialog.waitFor({ state: "hidden" });
    await expect.poll(() => setup.app.received.length).toBe(1);
    expect(setup.app.received).toMatchObject([
      { payload: { actions: [{ action_id: "approve", value: "q" }] } },
    ]);
    expect(setup.problems).toEqual([]);
  },
);

test.skipIf(skip)("a table has its columns and rows named, and a thread is below its message", async () => {
  await using setup = await openDesk(async () => ({}));
  const cell = (text: string) => ({ type: "raw_text" as const, text });
  const { ts = "" } = await setup.slack.chat.postMessage({
    channel: "C0DELIVERY",
    text: "question",
    blocks: [{ type: "table", rows: [["metric", "prod v1"].map(cell), ["accuracy", "0.81"].map(cell)] }],
  });
  await setup.look();
  const table = setup.page.getByRole("table");
  await table.getByRole("columnheader", { name: "prod v1" }).waitFor();
  expect(await table.getByRole("rowheader").allTextContents()).toEqual(["accuracy"]);
  await setup.slack.chat.postMessage({ channel: "C0DELIVERY", thread_ts: ts, text: "quiet" });
  await setup.page.getByText("1 reply").click();
  await setup.page.getByText("quiet").waitFor();
  await setup.slack.chat.postMessage({
    channel: "C0DELIVERY",
    thread_ts: ts,
    text: "loud",
    reply_broadcast: true,
  });
  await setup.page.getByText("2 replies").waitFor();
  // The thread stays open, and the channel shows the reply too.
  expect(await setup.page.getByText("loud").count()).toBe(2);
  expect(await setup.page.getByText("quiet").count()).toBe(1);
  expect(setup.problems).toEqual([]);
});

test.skipIf(skip)("another user's click counts as theirs, and only they see the refusal", async () => {
  await using setup = await openDesk(async (slack, { payload }) => {
    const { id } = payload.user as { id: string };
    await slack.chat.postEphemeral({ channel: "C0DELIVERY", user: id, text: "You may not approve this." });
    return {};
  });
  await setup.look();
  await setup.page.getByRole("link", { name: /Guest/ }).click();
  await setup.page.locator('[data-live][data-state="live"]').waitFor();
  await setup.page.getByRole("button", { name: "Approve" }).click();
  await setup.page.getByText("Only visible to you").waitFor();
  expect(setup.app.received[0]?.payload.user).toMatchObject({ id: "U0GUEST1" });
  await setup.look("/?as=U024BE7LH");
  expect(await setup.page.getByText("You may not approve this.").count()).toBe(0);
});

test.skipIf(skip)("an unreachable app is shown below the message", async () => {
  await using setup = await openDesk(async () => ({}));
  await setup.look();
  await setup.app[Symbol.asyncDispose]();
  await setup.page.getByRole("button", { name: "Approve" }).click();
  await setup.page.getByText("This app is not responding.").waitFor();
  expect(await setup.page.getByRole("button", { name: "Approve" }).isEnabled()).toBe(true);
});

test.skipIf(skip)("text that looks like HTML stays text", async () => {
  await using setup = await openDesk(async () => ({}));
  await setup.slack.chat.postMessage({
    channel: "C0DELIVERY",
    text: "<img src=x onerror=alert(1)> &lt;script&gt;alert(1)&lt;/script&gt;",
  });
  await setup.look();
  await setup.page.getByText("<script>alert(1)</script>").waitFor();
  expect(await setup.page.locator(".messages img, .messages script").count()).toBe(0);
  expect(setup.problems).toEqual([]);
});

const table = {
  type: "table",
  rows: [
    ["metric", "prod v1"],
    ["accuracy", "0.81"],
  ].map((row) => row.map((text) => ({ type: "raw_text" as const, text }))),
} as const;
const header = (text: string) => ({ type: "header", text: { type: "plain_text", text } }) as const;

test.skipIf(skip)(
  "at 390 and 1440 px, in both colour schemes, the desk has no serious violation, and no two regions have one name",
  async () => {
    await using setup = await openDesk(async () => ({}));
    for (const version of [2, 3])
      await setup.slack.chat.postMessage({
        ...{ channel: "C0DELIVERY", text: "question" },
        blocks: [header(`Approve churn v${version} for production?`), table],
      });
    await setup.slack.chat.postEphemeral({
      ...{ channel: "C0DELIVERY", user: "U024BE7LH", text: "You may not approve this." },
    });
    for (const width of [390, 1440]) {
      await setup.page.setViewportSize({ width, height: 844 });
      for (const colorScheme of ["light", "dark"] as const) {
        await setup.page.emulateMedia({ colorScheme });
        await setup.look();
        expect(await findViolations(setup.page), `${width} px, ${colorScheme}`).toEqual([]);
      }
    }
  },
);

const focusedText = (page: Page) => page.evaluate("document.activeElement.textContent");

test.skipIf(skip)(
  "when a decision replaces the pressed button, the keyboard goes on at the message's headline, never at another button",
  async () => {
    await using setup = await openDesk(async (slack, callback) => {
      if (callback.payload.type === "view_submission") {
        const [{ ts = "" } = {}] =
          (await slack.conversations.history({ channel: "C0DELIVERY" })).messages ?? [];
        await slack.chat.update({
          ...{ channel: "C0DELIVERY", ts, text: "rejected", blocks: [header("churn v2 was rejected")] },
        });
        return {};
      }
      if (JSON.stringify(callback.payload.actions).includes('"reject"')) {
        await slack.views.open({
          trigger_id: String(callback.payload.trigger_id),
          view: rejectDialog as never,
        });
        return {};
      }
      const hold = {
        type: "button",
        action_id: "hold",
        text: { type: "plain_text", text: "Hold" },
        value: "q",
      };
      await slack.chat.update({
        ...{ channel: "C0DELIVERY", ts: readTimestamp(callback), text: "approved" },
        blocks: [...approvedBlocks, { type: "actions", block_id: "canary", elements: [hold] }] as never,
      });
      return {};
    });
    await setup.look();
    await setup.page.getByRole("button", { name: "Approve" }).focus();
    await setup.page.keyboard.press("Enter");
    await setup.page.getByRole("button", { name: "Hold" }).waitFor();
    await expect.poll(() => focusedText(setup.page)).toBe("churn v2 is being rolled out to prod");

    await setup.slack.chat.postMessage({
      ...{ channel: "C0DELIVERY", text: "question", blocks: buildApprovalBlocks(setup.desk.url) as never },
    });
    await setup.page.getByRole("button", { name: "Reject" }).focus();
    await setup.page.keyboard.press("Enter");
    const dialog = setup.page.getByRole("dialog");
    await dialog.getByLabel("Why does it not go to prod?").fill("because of the recall");
    await dialog.getByRole("button", { name: "Reject" }).click();
    await dialog.waitFor({ state: "hidden" });
    await expect.poll(() => focusedText(setup.page)).toBe("churn v2 was rejected");
    expect(setup.problems).toEqual([]);
  },
);
