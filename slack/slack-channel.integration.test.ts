import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { WebClient } from "@slack/web-api";
import { expect, test } from "vitest";
import { silentLogger } from "#test/support/desk/silent-logger.ts";
import { startDesk } from "#test/support/desk/start-desk.ts";
import { createSlackChannel, slackClientOptions } from "./slack-channel.ts";

/** A channel on the desk, behind a proxy that drops the responses to the first calls of one method. */
const createTestChannel = async (dropped: { method: string; times: number } = { method: "", times: 0 }) => {
  const desk = await startDesk({ rates: {} });
  let left = dropped.times;
  const proxy = createServer((request, response) => {
    const drops = request.url === `/api/${dropped.method}` && left-- > 0;
    const forward = getRequestListener(async (received) => {
      const result = await desk.desk.fetch(received);
      if (drops) request.socket.destroy();
      return result;
    });
    void forward(request, response);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const { port } = proxy.address() as AddressInfo;
  const channel = createSlackChannel({
    slack: new WebClient(desk.options.botToken, {
      slackApiUrl: `http://127.0.0.1:${port}/api/`,
      logger: silentLogger,
      ...slackClientOptions,
    }),
    channel: desk.options.channel.id,
    render: ({ delivery }: { delivery: string }) => ({ text: `about ${delivery}`, blocks: [] }),
    warn: () => undefined,
  });
  return {
    channel,
    users: () => desk.options.users,
    replies: (ts: string) => desk.options.state.replies(ts),
    texts: () => desk.options.state.messages(100).map(({ text }) => text),
    [Symbol.asyncDispose]: async () => {
      proxy.closeAllConnections();
      await new Promise((done) => proxy.close(done));
      await desk[Symbol.asyncDispose]();
    },
  };
};

test("a delivery that is posted twice has one message", async () => {
  await using fixture = await createTestChannel();
  const first = await fixture.channel.post({ delivery: "one" });
  await fixture.channel.post({ delivery: "two" });
  expect(first.isNew).toBe(true);
  expect(await fixture.channel.post({ delivery: "one" })).toEqual({ ...first, isNew: false });
  expect(fixture.texts()).toEqual(["about two", "about one"]);
});

test("a message is found after an edit", async () => {
  await using fixture = await createTestChannel();
  const first = await fixture.channel.post({ delivery: "one" });
  await fixture.channel.update(first, { delivery: "one" });
  expect(await fixture.channel.post({ delivery: "one" })).toEqual({ ...first, isNew: false });
});

test.each([1, 2, 3, 4])("a message whose response was lost %d times is not posted again", async (times) => {
  await using fixture = await createTestChannel({ method: "chat.postMessage", times });
  const post = () => fixture.channel.post({ delivery: "one" });
  const posted = await post().catch(post);
  expect(fixture.texts()).toEqual(["about one"]);
  expect(posted.ts).toMatch(/^\d+\.\d+$/);
});

test("a reply is in the message's thread; one that somebody has to act on is in the channel too and mentions people", async () => {
  await using fixture = await createTestChannel();
  const posted = await fixture.channel.post({ delivery: "one" });
  const about = { model: "churn", version: 2, says: { kind: "share", percent: 10 } } as const;
  const nobody = { users: [], addresses: [] };
  await fixture.channel.reply(posted, { ...about, id: "a", broadcast: false, mentions: nobody }, false);
  const [known] = fixture.users();
  const mentions = { users: ["U0OTHER", "S0614TZR7"], addresses: [known?.email ?? "", "nobody@example.org"] };
  await fixture.channel.reply(posted, { ...about, id: "b", broadcast: true, mentions }, false);
  expect(fixture.replies(posted.ts)).toMatchObject([
    { text: ":rocket: churn v2 gets 10 % of prod's traffic" },
    {
      text: `:rocket: churn v2 gets 10 % of prod's traffic\n<@U0OTHER> <!subteam^S0614TZR7> <@${known?.id}>`,
      subtype: "thread_broadcast",
    },
  ]);
});

test("an edit whose response was lost is repeated", async () => {
  await using fixture = await createTestChannel({ method: "chat.update", times: 2 });
  const posted = await fixture.channel.post({ delivery: "one" });
  await expect(fixture.channel.update(posted, { delivery: "one, edited" })).resolves.toBeUndefined();
  expect(fixture.texts()).toEqual(["about one, edited"]);
});
