import { ErrorCode } from "@slack/web-api";
import * as z from "zod";
import type { SlackApi } from "./slack-channel.ts";

const RateLimited = z.object({ code: z.literal(ErrorCode.RateLimitedError), retryAfter: z.number().min(0) });

/**
 * The same API, but a method that Slack has limited (status 429) is not called again until the time is over that Slack
 * named: until then its calls fail at once, with Slack's error. Slack counts per method and app, and may disable an app that
 * does not wait. A process remembers its own limits only. https://docs.slack.dev/apis/web-api/rate-limits
 * @param clock epoch milliseconds
 */
export const respectRateLimits = (slack: SlackApi, clock: () => number): SlackApi => {
  const limits = new Map<string, { readonly until: number; readonly error: unknown }>();
  const wait = <Options, Response>(
    method: string,
    call: (options: Options) => Promise<Response>,
  ): ((options: Options) => Promise<Response>) => {
    return async (options) => {
      const limit = limits.get(method);
      if (limit && clock() < limit.until) throw limit.error;
      try {
        return await call(options);
      } catch (error) {
        const limited = RateLimited.safeParse(error).data;
        if (limited) limits.set(method, { until: clock() + limited.retryAfter * 1_000, error });
        throw error;
      }
    };
  };
  const { chat, conversations, views, users, usergroups } = slack;
  return {
    chat: {
      postMessage: wait("chat.postMessage", (options) => chat.postMessage(options)),
      update: wait("chat.update", (options) => chat.update(options)),
      postEphemeral: wait("chat.postEphemeral", (options) => chat.postEphemeral(options)),
    },
    conversations: {
      history: wait("conversations.history", (options) => conversations.history(options)),
      replies: wait("conversations.replies", (options) => conversations.replies(options)),
    },
    views: { open: wait("views.open", (options) => views.open(options)) },
    users: {
      info: wait("users.info", (options) => users.info(options)),
      lookupByEmail: wait("users.lookupByEmail", (options) => users.lookupByEmail(options)),
    },
    usergroups: {
      users: { list: wait("usergroups.users.list", (options) => usergroups.users.list(options)) },
    },
  };
};
