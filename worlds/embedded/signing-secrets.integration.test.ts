import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { answerApproval } from "#lambdas/answer-approval/answer-approval.ts";
import { cacheSecrets } from "#platform/secrets/cached-secrets.ts";
import { readRotatedSecret } from "#platform/secrets/read-rotated-secret.ts";
import { SecretMissing } from "#platform/secrets/secrets.ts";
import { fakeDeliveries } from "#test/support/fake-deliveries.ts";
import { createMemoryWorld } from "#test/support/memory-world.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { openCapabilities } from "./capabilities.ts";
import { resolveDataFolder } from "./data/data-folder.ts";
import { createDeskClient } from "./desk/desk-client.ts";
import { signSlackRequest } from "./desk/sign-slack-request.ts";
import { callbackPath, createSlackCallbackRoute } from "./desk/slack-callback-route.ts";
import { slackWorkspace } from "./desk/slack-workspace.ts";
import { assembleWorld } from "./world.ts";

/** A click that the desk signs with a secret; the status says whether its signature counts. */
const createClick =
  (answer: ReturnType<typeof answerApproval>, clock: () => number) =>
  async (secret: string): Promise<number> => {
    const payload = {
      type: "block_actions",
      user: { id: "U024BE7LH" },
      team: { id: slackWorkspace.teamId },
      api_app_id: slackWorkspace.appId,
      trigger_id: "1.2",
      channel: { id: slackWorkspace.channel.id },
      actions: [{ action_id: "open-delivery" }],
    };
    const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
    const seconds = Math.floor(clock() / 1_000);
    const headers = {
      "x-slack-request-timestamp": String(seconds),
      "x-slack-signature": signSlackRequest(secret, seconds, body),
    };
    const response = await createSlackCallbackRoute(answer, clock).request(callbackPath, {
      method: "POST",
      headers,
      body,
    });
    return response.status;
  };

/** The world of a data folder, with these variables. */
const openFolder = async (env: Readonly<Record<string, string>>) => {
  const temporary = await createTemporaryFolder();
  const folder = resolveDataFolder(temporary.path);
  const url = "http://127.0.0.1:9";
  const log = () => undefined;
  const capabilities = await openCapabilities({ folder, url, modelsUrl: url, clock: Date.now, log, env });
  const refuse = () => Promise.reject(new Error("no test here builds or calls"));
  const world = assembleWorld(capabilities, {
    images: { build: refuse, scan: refuse, describe: refuse, release: refuse } as never,
    functions: { invoke: refuse } as never,
    deliveries: fakeDeliveries().deliveries,
    slack: createDeskClient(url, "xoxb-test"),
  });
  return {
    secretsFile: folder.secrets,
    click: createClick(answerApproval({ ...world, startFollowUp: async () => undefined }), Date.now),
    [Symbol.asyncDispose]: async () => {
      capabilities.metrics.close();
      capabilities.database.close();
      await temporary.remove();
    },
  };
};

test("on one machine the secrets before and after a rotation count, and no other", async () => {
  await using world = await openFolder({ SLACK_SIGNING_SECRET: "new", SLACK_SIGNING_SECRET_PREVIOUS: "old" });
  expect([await world.click("new"), await world.click("old")]).toEqual([200, 200]);
  expect([await world.click("wrong"), await world.click("")]).toEqual([401, 401]);
});

test("on one machine a secret that the file's owner rotates counts at once, without a restart", async () => {
  await using world = await openFolder({});
  await world.click("any");
  const [, first = ""] = /SLACK_SIGNING_SECRET="(\w+)"/.exec(await readFile(world.secretsFile, "utf8")) ?? [];
  expect(await world.click(first)).toBe(200);
  await writeFile(
    world.secretsFile,
    `SLACK_SIGNING_SECRET_PREVIOUS="${first}"\nSLACK_SIGNING_SECRET="next"\n`,
  );
  expect([await world.click(first), await world.click("next")]).toEqual([200, 200]);
  await writeFile(world.secretsFile, `SLACK_SIGNING_SECRET="next"\n`);
  expect([await world.click(first), await world.click("next")]).toEqual([401, 200]);
});

test("on AWS a running function reads a rotated secret within five minutes, and drops the old one in the same time", async () => {
  const memory = createMemoryWorld();
  memory.time.now = Date.now();
  const parameters = new Map([["SLACK_SIGNING_SECRET", "old"]]);
  let reads = 0;
  const parameterStore = {
    read: async (name: string) => {
      reads++;
      const value = parameters.get(name);
      if (value === undefined) throw new SecretMissing(`${name} is not in the Parameter Store`);
      return value;
    },
  };
  const click = createClick(
    answerApproval({
      ...memory,
      slack: { views: { open: () => Promise.reject(new Error("no dialog in this test")) } },
      startFollowUp: async () => undefined,
      signingSecrets: readRotatedSecret(cacheSecrets(parameterStore, memory.clock), "SLACK_SIGNING_SECRET"),
      teamId: slackWorkspace.teamId,
      appId: slackWorkspace.appId,
    }),
    memory.clock,
  );
  const wait = () => {
    memory.time.now += 5 * 60_000;
  };
  expect([await click("old"), await click("new")]).toEqual([200, 401]);
  parameters.set("SLACK_SIGNING_SECRET_PREVIOUS", "old").set("SLACK_SIGNING_SECRET", "new");
  expect(await click("old")).toBe(200);
  wait();
  expect([await click("old"), await click("new"), await click("wrong")]).toEqual([200, 200, 401]);
  parameters.delete("SLACK_SIGNING_SECRET_PREVIOUS");
  wait();
  expect([await click("old"), await click("new")]).toEqual([401, 200]);
  // Whoever sends wrong signatures does not make the function read secrets.
  const before = reads;
  for (let attempt = 0; attempt < 50; attempt++) await click("wrong");
  expect(reads).toBe(before);
  memory.close();
});
