// node test/releases/record-question.mjs <tag> <file>: records a question that a release has opened.
// The release's own code runs from its tag: request-approval asks in its store, and posts to its stand-in for Slack. The file
// holds what a later release finds: the stored items, the task's encrypted token with its key, and the message in Slack.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const [tag = "v0.2.0", file = "test/releases/question-of-0.2.0.json"] = process.argv.slice(2);
const root = fileURLToPath(new URL("../..", import.meta.url));
const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();

const folder = mkdtempSync(join(tmpdir(), "slipway-release-"));
const checkout = join(folder, "checkout");
git("worktree", "add", "--detach", checkout, tag);
symlinkSync(join(root, "node_modules"), join(checkout, "node_modules"));
const load = (path) => import(pathToFileURL(join(checkout, path)).href);

try {
  const { createMemoryWorld } = await load("test/support/memory-world.ts");
  const { promoteVersion } = await load("test/support/promote-version.ts");
  const { startDesk } = await load("test/support/desk/start-desk.ts");
  const { fakeDigest, toyModel } = await load("test/support/toy-model.ts");
  const { createKeyFileCipher } = await load("platform/cipher/key-file.ts");
  const { createApprovals } = await load("domain/approval/approvals.ts");
  const { createDeliveryMessages } = await load("domain/message/delivery-messages.ts");
  const { requestApproval } = await load("lambdas/request-approval/request-approval.ts");
  const { createSlackChannel, slackClientOptions } = await load("slack/slack-channel.ts");
  const { renderMessageBlocks } = await load("slack/message-blocks.ts");
  const { WebClient } = await import("@slack/web-api");

  // An obvious example, and no secret.
  const cipherKey = Buffer.alloc(32).toString("base64");
  const keyFile = join(folder, "cipher.key");
  writeFileSync(keyFile, `${cipherKey}\n`);

  const now = Date.UTC(2026, 10, 29, 12);
  const world = createMemoryWorld();
  await promoteVersion(world, "a", 1);
  world.commit("c");
  world.time.now = now;
  const desk = await startDesk({ clock: world.clock });
  const slack = new WebClient(desk.options.botToken, {
    ...slackClientOptions,
    slackApiUrl: `${desk.url}/api/`,
  });
  const channel = createSlackChannel({
    slack,
    channel: desk.options.channel.id,
    render: (state) => renderMessageBlocks(state, `https://example.com/deliveries/${state.delivery}`),
  });
  const { warn } = console;
  const messages = createDeliveryMessages({ store: world.store, channel, clock: world.clock, warn });
  const cipher = createKeyFileCipher({ file: keyFile });
  const approvals = createApprovals({ store: world.store, cipher, deliveries: world.deliveries });

  const taskToken = `a token of ${tag}`;
  const delivery = `${toyModel}-cccccccccccc`;
  const serving = await world.ledger.serving("prod", toyModel);
  const check = (name, verdict, detail) => ({ name, verdict, measured: 1, limit: 2, unit: "ms", detail });
  await requestApproval({ ...world, approvals, messages })({
    delivery,
    model: toyModel,
    commit: "c".repeat(40),
    taskToken,
    fence: 9,
    digest: fakeDigest("c"),
    version: 2,
    author: { name: "Sam", email: "sam@example.com" },
    pusher: "sam@example.com",
    baseline: serving.sequence,
    scanChecks: [check("vulnerabilities.critical", "pass", "0 critical (limit 0)")],
    checks: [
      check("golden vectors", "pass", "32 of 32 within 1e-5"),
      check("accuracy against champion", "inconclusive", "95 % interval −0.02 to +0.03"),
      check("latency p95", "pass", "1.9 ms (limit 50 ms)"),
    ],
    omitted: [{ name: "replay", why: "prod has no recorded inputs" }],
    timeoutSeconds: 86_400,
    provenance: null,
  });

  const items = world.database
    .prepare("SELECT partition, sort, value FROM items ORDER BY partition, sort")
    .all()
    .map(({ partition, sort, value }) => ({ partition, sort, value: JSON.parse(value) }));
  const message = desk.options.state.messages(10)[0];
  const recorded = {
    release: JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")).version,
    commit: git("rev-parse", `${tag}^{commit}`),
    now,
    delivery,
    taskToken,
    cipherKey,
    items,
    message,
  };
  writeFileSync(join(root, file), `${JSON.stringify(recorded, null, 2)}\n`);
  await desk[Symbol.asyncDispose]();
  world.close();
} finally {
  git("worktree", "remove", "--force", checkout);
  rmSync(folder, { recursive: true });
}
