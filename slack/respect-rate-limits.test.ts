import { ErrorCode } from "@slack/web-api";
import { expect, test } from "vitest";
import { respectRateLimits } from "./respect-rate-limits.ts";
import type { SlackApi } from "./slack-channel.ts";

const callsOf: Readonly<Record<string, (slack: SlackApi) => Promise<unknown>>> = {
  "chat.postMessage": ({ chat }) => chat.postMessage({ channel: "C1", text: "" }),
  "chat.update": ({ chat }) => chat.update({ channel: "C1", ts: "1.0", text: "" }),
  "chat.postEphemeral": ({ chat }) => chat.postEphemeral({ channel: "C1", user: "U1", text: "" }),
  "conversations.history": ({ conversations }) => conversations.history({ channel: "C1" }),
  "conversations.replies": ({ conversations }) => conversations.replies({ channel: "C1", ts: "1.0" }),
  "users.info": ({ users }) => users.info({ user: "U1" }),
  "users.lookupByEmail": ({ users }) => users.lookupByEmail({ email: "ada@example.com" }),
  "usergroups.users.list": ({ usergroups }) => usergroups.users.list({ usergroup: "S1" }),
};

test.each(Object.entries(callsOf))(
  "%s is not called again until the time that Slack named is over",
  async (name, call) => {
    let now = 0;
    const called: string[] = [];
    const answer = (method: string) => async () => {
      called.push(method);
      if (called.length === 1)
        throw Object.assign(new Error("rate limited"), { code: ErrorCode.RateLimitedError, retryAfter: 30 });
      return { ok: true };
    };
    const methods = (prefix: string) =>
      new Proxy({}, { get: (_, method) => answer(`${prefix}.${String(method)}`) });
    const slack = respectRateLimits(
      {
        ...{ chat: methods("chat"), conversations: methods("conversations"), views: methods("views") },
        ...{ users: methods("users"), usergroups: { users: methods("usergroups.users") } },
      } as unknown as SlackApi,
      () => now,
    );
    await expect(call(slack)).rejects.toThrow("rate limited");
    now = 29_999;
    await expect(call(slack)).rejects.toThrow("rate limited");
    expect(called).toEqual([name]);
    now = 30_000;
    await expect(call(slack)).resolves.toEqual({ ok: true });
    expect(called).toEqual([name, name]);
  },
);
