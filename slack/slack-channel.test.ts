import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { WebClient } from "@slack/web-api";
import { expect, test } from "vitest";
import { silentLogger } from "#test/support/desk/silent-logger.ts";
import { startDesk } from "#test/support/desk/start-desk.ts";
import { createSlackChannel, slackClientOptions } from "./slack-channel.ts";

/** A channel on a desk behind a line that loses the answers to the first `lost` calls of a method. */
const createTestChannel = async (lost: { method: string; times: number } = { method: "", times: 0 }) => {
  const desk = await startDesk({ rates: {} });
  let left = lost.times;
  const line = createServer((request, response) => {
    const loses = request.url === `/api/${lost.method}` && left-- > 0;
    const answer = getRequestListener(async (given) => {
      const answered = await desk.desk.fetch(given);
      if (loses) request.socket.destroy();
      return answered;
    });
    void answer(request, response);
  });
  await new Promise<void>((resolve) => line.listen(0, "127.0.0.1", resolve));
  const { port } = line.address() as AddressInfo;
  const channel = createSlackChannel({
    slack: new WebClient(desk.options.botToken, {
      slackApiUrl: `http://127.0.0.1:${port}/api/`,
      logger: silentLogger,
      ...slackClientOptions,
    }),
    channel: desk.options.channel.id,
    render: ({ delivery }: { delivery: string }) => ({ text: `about ${delivery}`, blocks: [] }),
  });
  return {
    channel,
    texts: () => desk.options.state.messages(100).map(({ text }) => text),
    [Symbol.asyncDispose]: async () => {
      line.closeAllConnections();
      await new Promise((done) => line.close(done));
      await desk[Symbol.asyncDispose]();
    },
  };
};

test("a delivery that is posted twice has one message", async () => {
  await using it = await createTestChannel();
  const first = await it.channel.post({ delivery: "one" });
  await it.channel.post({ delivery: "two" });
  expect(await it.channel.post({ delivery: "one" })).toEqual(first);
  expect(it.texts()).toEqual(["about two", "about one"]);
});

test("a message is found after an edit", async () => {
  await using it = await createTestChannel();
  const first = await it.channel.post({ delivery: "one" });
  await it.channel.update(first, { delivery: "one" });
  expect(await it.channel.post({ delivery: "one" })).toEqual(first);
});

test.each([1, 2, 3, 4])("a message whose answer was lost %d times is not posted again", async (times) => {
  await using it = await createTestChannel({ method: "chat.postMessage", times });
  const post = () => it.channel.post({ delivery: "one" });
  const posted = await post().catch(post);
  expect(it.texts()).toEqual(["about one"]);
  expect(posted.ts).toMatch(/^\d+\.\d+$/);
});

test("an edit whose answer was lost is made again", async () => {
  await using it = await createTestChannel({ method: "chat.update", times: 2 });
  const posted = await it.channel.post({ delivery: "one" });
  await expect(it.channel.update(posted, { delivery: "one, edited" })).resolves.toBeUndefined();
  expect(it.texts()).toEqual(["about one, edited"]);
});
