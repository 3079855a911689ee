import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { answerApproval } from "#lambdas/answer-approval/answer-approval.ts";
import { createEnvironmentSecrets } from "#platform/secrets/environment.ts";
import { readRotatedSecret } from "#platform/secrets/read-rotated-secret.ts";
import { readAppManifest } from "#slack/read-app-manifest.ts";
import { startDesk } from "#test/support/desk/start-desk.ts";
import { createMemoryWorld } from "#test/support/memory-world.ts";
import type { DeskOptions } from "#worlds/embedded/desk/desk-options.ts";
import { callbackPath, createSlackCallbackRoute } from "#worlds/embedded/desk/slack-callback-route.ts";
import { slackWorkspace } from "#worlds/embedded/desk/slack-workspace.ts";
import { listSlackChecks, type SlackConnection } from "./list-slack-checks.ts";

const botToken = "xoxb-of-the-test";
const manifestScopes = readAppManifest().scopes.map(({ scope }) => scope);

/** The secrets of the function that answers clicks. */
let functionSecrets: Readonly<Record<string, string>>;
let callbacks: { readonly url: string; readonly close: () => void };
beforeAll(async () => {
  const world = createMemoryWorld();
  const answer = answerApproval({
    ...world,
    slack: { views: { open: () => Promise.reject(new Error("no dialog in this test")) } },
    startFollowUp: async () => undefined,
    signingSecrets: () =>
      readRotatedSecret(createEnvironmentSecrets({ env: functionSecrets }), "SLACK_SIGNING_SECRET")(),
    teamId: slackWorkspace.teamId,
    appId: slackWorkspace.appId,
    clock: Date.now,
  });
  const { promise, resolve } = Promise.withResolvers<AddressInfo>();
  const { fetch } = createSlackCallbackRoute(answer, Date.now);
  const server = serve({ fetch, hostname: "127.0.0.1", port: 0 }, resolve);
  const { port } = await promise;
  const close = () => {
    server.close();
    world.close();
  };
  callbacks = { url: `http://127.0.0.1:${port}${callbackPath}`, close };
});
afterAll(() => callbacks.close());

type Changes = Partial<Omit<SlackConnection, "secrets">> & {
  readonly desk?: Partial<DeskOptions>;
  readonly env?: Readonly<Record<string, string>>;
  readonly secretsOfFunction?: Readonly<Record<string, string>>;
  readonly approvers?: readonly string[];
  readonly post?: boolean;
};

/** Each finding as one line. */
const look = async ({
  desk: changes,
  env,
  secretsOfFunction,
  approvers,
  post,
  ...connection
}: Changes = {}) => {
  functionSecrets = secretsOfFunction ?? { SLACK_SIGNING_SECRET: "secret" };
  await using desk = await startDesk({ rates: {}, botToken, ...changes });
  const lines: string[] = [];
  for (const check of listSlackChecks({
    secrets: createEnvironmentSecrets({
      env: env ?? { SLACK_BOT_TOKEN: botToken, SLACK_SIGNING_SECRET: "secret" },
    }),
    apiUrl: `${desk.url}/api/`,
    teamId: slackWorkspace.teamId,
    appId: slackWorkspace.appId,
    channel: slackWorkspace.channel.id,
    callbackUrl: callbacks.url,
    isDesk: true,
    approvers: approvers ?? ["U024BE7LH"],
    fetch,
    clock: Date.now,
    post: post ?? false,
    ...connection,
  })) {
    const finding = await check();
    if (!finding) continue;
    const remedy = "remedy" in finding ? ` → ${finding.remedy}` : "";
    lines.push(`${finding.status}: ${finding.sentence}${remedy}`);
  }
  return lines;
};
/** The findings that a person has to act on. */
const findProblems = async (changes: Changes) =>
  (await look(changes)).filter((line) => line.startsWith("missing") || line.startsWith("warning"));

test("a complete connection lacks nothing, and what no call can show is named as not checked", async () => {
  const lines = await look({ post: true });
  expect(lines).toEqual([
    "ok: Slack accepts the bot's token, for the workspace Slipway.",
    "ok: The bot's token is of the configured app A0SLIPWAY.",
    `ok: The bot's token has the scopes that it needs and no other: ${manifestScopes.join(", ")}.`,
    "ok: The app is a member of the channel C0DELIVERY.",
    "ok: A test message was posted in the channel C0DELIVERY.",
    "ok: The approver U024BE7LH is a person with an e-mail address.",
    "ok: The secret SLACK_SIGNING_SECRET has a value.",
    `ok: Slack's callbacks reach ${callbacks.url}, which refuses unsigned requests.`,
    `ok: ${callbacks.url} accepts what SLACK_SIGNING_SECRET signs.`,
    expect.stringContaining(
      `only a click proves it. The app's page Interactivity & Shortcuts needs the request URL ${callbacks.url}`,
    ),
  ]);
  expect(lines.join()).not.toContain(botToken);
});

test("without --post no message is posted, and the doctor says what that leaves open", async () => {
  expect((await look()).filter((line) => line.startsWith("pending"))).toHaveLength(2);
});

test.each<[string, Changes, readonly RegExp[]]>([
  [
    "no token",
    { env: { SLACK_SIGNING_SECRET: "secret" } },
    [/SLACK_BOT_TOKEN is missing.*SLACK_BOT_TOKEN is not set/],
  ],
  [
    "Terraform's placeholders",
    { env: { SLACK_BOT_TOKEN: "unset-1", SLACK_SIGNING_SECRET: "unset-2" } },
    [/SLACK_BOT_TOKEN has no value yet/, /SLACK_SIGNING_SECRET has no value yet/],
  ],
  [
    "a revoked token",
    { desk: { botToken: "xoxb-new" } },
    [/refuses the bot's token: invalid_auth.*Install the app/],
  ],
  ["another workspace", { teamId: "T0OTHER" }, [/workspace T0SLIPWAY, but approvals go to T0OTHER/]],
  ["another app", { appId: "A0OTHER" }, [/of the app A0SLIPWAY, but callbacks of A0OTHER/]],
  [
    "a scope too few and one too many",
    {
      desk: { scopes: [...manifestScopes.filter((scope) => scope !== "users:read.email"), "channels:join"] },
    },
    [/lacks users:read\.email .*reinstall the app/, /U024BE7LH .*has no e-mail address/],
  ],
  [
    "a scope too many",
    { desk: { scopes: [...manifestScopes, "channels:join"] } },
    [/^warning: .*does not use: channels:join\. → Remove them/],
  ],
  [
    "a channel without the app",
    {
      desk: {
        findFault: ({ method }) =>
          method === "conversations.history" ? { kind: "error", error: "not_in_channel" } : undefined,
      },
    },
    [/not a member of it\. → Invite the app/],
  ],
  ["another channel", { channel: "C0OTHER" }, [/no such channel/]],
  [
    "an archived channel, with --post",
    {
      post: true,
      desk: {
        findFault: ({ method }) =>
          method === "chat.postMessage" ? { kind: "error", error: "is_archived" } : undefined,
      },
    },
    [/not posted in the channel C0DELIVERY: the channel is archived \(is_archived\)\. → Unarchive it/],
  ],
  ["an approver who left", { approvers: ["U0NOBODY"] }, [/U0NOBODY in the platform's policy is nobody/]],
  ["no signing secret", { env: { SLACK_BOT_TOKEN: botToken } }, [/SLACK_SIGNING_SECRET is missing/]],
  [
    "another secret in the function",
    { secretsOfFunction: { SLACK_SIGNING_SECRET: "other" } },
    [/refuses what SLACK_SIGNING_SECRET signs.*within five minutes/],
  ],
  ["no address for clicks", { callbackUrl: undefined }, [/URL of Slack's callbacks is not set/]],
])("%s is found, with its remedy", async (_, changes, problems) => {
  const found = await findProblems(changes);
  expect(found).toHaveLength(problems.length);
  for (const [index, problem] of problems.entries()) expect(found[index]).toMatch(problem);
});

test("during a rotation the function accepts the old secret, too", async () => {
  expect(
    await findProblems({
      secretsOfFunction: { SLACK_SIGNING_SECRET: "new", SLACK_SIGNING_SECRET_PREVIOUS: "secret" },
    }),
  ).toEqual([]);
});

test("Slack that does not respond is one finding for each check, and the others run", async () => {
  const found = await findProblems({ apiUrl: "http://127.0.0.1:9/" });
  expect(found.length).toBeGreaterThan(2);
  for (const line of found) expect(line).toMatch(/The check of .* failed/);
});
