/** Takes pictures of the desk: `node test/browser/screenshot-desk.ts <folder>`. The README's comes from here. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { WebClient } from "@slack/web-api";
import { browser } from "#test/browser.ts";
import {
  approvalBlocks,
  approvalText,
  failedDelivery,
  failedHistory,
  promotedDelivery,
  promotedText,
  rejectReason,
} from "./sample.ts";
import { servedDesk } from "./served-desk.ts";

const folder = process.argv[2];
if (folder === undefined) {
  console.error("Usage: node test/browser/screenshot-desk.ts <folder>");
  process.exit(2);
}
await mkdir(folder, { recursive: true });
await using desk = await servedDesk({
  deliveries: {
    describe: async (name) => [failedDelivery, promotedDelivery].find((each) => each.name === name),
    history: async (name) => (name === failedDelivery.name ? failedHistory : []),
    list: async () => ({ executions: [failedDelivery, promotedDelivery] }),
  },
});
const slack = new WebClient(desk.options.botToken, { slackApiUrl: `${desk.url}/api/` });
const channel = desk.options.channel.id;
await slack.chat.postMessage({ channel, text: promotedText });
await slack.chat.postMessage({ channel, text: approvalText, blocks: approvalBlocks(desk.url) });
await slack.chat.postEphemeral({
  channel,
  user: "U0AUTHOR",
  text: ":no_entry: You wrote this version, so someone else has to approve it.",
});

const { launch } = browser();
await using chromium = await launch();
const page = await chromium.context.newPage();
page.on("console", (message) => console.log("console:", message.text()));
page.on("pageerror", (error) => console.log("error:", error.message));
const take = async (name: string, path: string, width = 1_180, height = 820) => {
  await page.setViewportSize({ width, height });
  await page.goto(`${desk.url}${path}`);
  if (!path.startsWith("/deliveries")) await page.locator('[data-state="live"]').waitFor();
  await page.screenshot({ path: join(folder, `${name}.png`) });
};
for (const colorScheme of ["light", "dark"] as const) {
  await page.emulateMedia({ colorScheme });
  await take(`channel-${colorScheme}`, "/");
  await take(`author-${colorScheme}`, "/?as=U0AUTHOR");
  await take(`delivery-${colorScheme}`, `/deliveries/${failedDelivery.name}`, 1_180, 1_460);
  await take(`deliveries-${colorScheme}`, "/deliveries", 1_180, 420);
  await take(`phone-${colorScheme}`, "/", 390, 844);
  await take(`phone-delivery-${colorScheme}`, `/deliveries/${failedDelivery.name}`, 390, 844);
}
desk.options.state.putView({
  id: "V0SAMPLE",
  user: "U024BE7LH",
  hash: "1.0",
  modal: {
    ...JSON.parse(JSON.stringify(rejectReason)),
    clear_on_close: false,
    notify_on_close: false,
    external_id: "",
  },
});
await page.emulateMedia({ colorScheme: "light" });
await take("dialog-light", "/");
