import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { createDesk } from "#worlds/embedded/desk/desk.ts";
import type { DeskOptions } from "#worlds/embedded/desk/desk-options.ts";
import { openDeskState } from "#worlds/embedded/desk/desk-state.ts";
import { slackWorkspace } from "#worlds/embedded/desk/slack-workspace.ts";

/** A desk on a free port, with defaults for what a test does not override. */
export const startDesk = async (overrides: Partial<DeskOptions> = {}) => {
  const stop = new AbortController();
  const state = overrides.state ?? openDeskState(":memory:");
  const options: DeskOptions = {
    clock: Date.now,
    randomId: () => randomUUID().slice(0, 13),
    signingSecret: "a signing secret of the test",
    botToken: "xoxb-of-the-test",
    callbackUrl: () => "http://127.0.0.1:9/",
    ...slackWorkspace,
    ...overrides,
    state,
    stop: stop.signal,
  };
  const desk = createDesk(options);
  const { promise, resolve } = Promise.withResolvers<AddressInfo>();
  const server = serve({ fetch: desk.fetch, hostname: "127.0.0.1", port: 0 }, resolve);
  const { port } = await promise;
  return {
    options,
    desk,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await new Promise((done) => server.close(done));
      if (overrides.state === undefined) state.close();
    },
  };
};
