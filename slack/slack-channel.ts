import { setTimeout as pause } from "node:timers/promises";
import { ErrorCode, type KnownBlock, type WebClient } from "@slack/web-api";
import * as z from "zod";

/** The parts of Slack's Web API that deliveries use; a `WebClient` of @slack/web-api is one. */
export type SlackApi = {
  readonly chat: Pick<WebClient["chat"], "postMessage" | "update" | "postEphemeral">;
  readonly conversations: Pick<WebClient["conversations"], "history">;
  readonly views: Pick<WebClient["views"], "open">;
  readonly users: Pick<WebClient["users"], "info">;
};

/**
 * Settings of the WebClient that suit a function: its defaults retry for half an hour and wait without end
 * (https://docs.slack.dev/tools/node-slack-sdk/web-api#retry). It does not retry at all, because it would post a
 * message again whose answer was lost: whoever calls knows what may be said twice.
 */
export const slackClientOptions = {
  retryConfig: { retries: 0 },
  timeout: 2_000,
  rejectRateLimitedCalls: true,
} as const;

const History = z.object({
  messages: z
    .array(
      z.object({
        ts: z.string(),
        metadata: z
          .object({ event_type: z.string(), event_payload: z.record(z.string(), z.unknown()) })
          .optional(),
      }),
    )
    .default([]),
});
const PostResponse = z.object({ channel: z.string(), ts: z.string() });

const NoResponseError = z.object({ code: z.enum([ErrorCode.RequestError, ErrorCode.HTTPError]) });
const attempts = 3;

/** Calls again, twice, quickly, where Slack gave no answer; what it refused stays refused. */
const retryWithoutResponse = async <T>(call: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (fault) {
      if (attempt === attempts || !NoResponseError.safeParse(fault).success) throw fault;
      await pause(100 * attempt);
    }
  }
};

const eventType = "slipway_delivery";

/** How far back an interrupted post is looked for. */
const historyLimit = 100;

/**
 * Posts and edits messages in one channel. Slack cannot be told not to post twice, so each message carries its
 * subject as metadata, and a post looks for it first (https://docs.slack.dev/messaging/message-metadata).
 */
export const createSlackChannel = <View extends { readonly delivery: string }>({
  slack,
  channel,
  render,
}: {
  slack: Pick<SlackApi, "chat" | "conversations">;
  channel: string;
  render: (view: View) => { text: string; blocks: KnownBlock[] };
}) => {
  const findOrPost = async (view: View): Promise<{ channel: string; ts: string }> => {
    const history = History.parse(
      await slack.conversations.history({ channel, limit: historyLimit, include_all_metadata: true }),
    );
    const found = history.messages.find(
      ({ metadata }) =>
        metadata?.event_type === eventType && metadata.event_payload.delivery === view.delivery,
    );
    if (found) return { channel, ts: found.ts };
    return PostResponse.parse(
      await slack.chat.postMessage({
        channel,
        ...render(view),
        unfurl_links: false,
        metadata: { event_type: eventType, event_payload: { delivery: view.delivery } },
      }),
    );
  };
  return {
    post: (view: View) => retryWithoutResponse(() => findOrPost(view)),
    update: async (posted: { channel: string; ts: string }, view: View): Promise<void> => {
      await retryWithoutResponse(() => slack.chat.update({ ...posted, ...render(view) }));
    },
    /** Leaves one sentence of a message that was posted twice: what it showed stands in the other. */
    retract: async (posted: { channel: string; ts: string }): Promise<void> => {
      const text = "This message was posted twice: see the other one.";
      await retryWithoutResponse(() =>
        slack.chat.update({
          ...posted,
          text,
          blocks: [{ type: "section", text: { type: "plain_text", text } }],
        }),
      );
    },
  };
};
