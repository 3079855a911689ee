import { setTimeout as pause } from "node:timers/promises";
import { ErrorCode, type KnownBlock, type WebClient } from "@slack/web-api";
import * as z from "zod";

/** The parts of Slack's Web API that deliveries use. A `WebClient` of @slack/web-api has them. */
export type SlackApi = {
  readonly chat: Pick<WebClient["chat"], "postMessage" | "update" | "postEphemeral">;
  readonly conversations: Pick<WebClient["conversations"], "history">;
  readonly views: Pick<WebClient["views"], "open">;
  readonly users: Pick<WebClient["users"], "info">;
};

/**
 * The defaults of the WebClient do not suit a function: they retry for half an hour and have no timeout
 * (https://docs.slack.dev/tools/node-slack-sdk/web-api#retry). No retry here: it would post a message twice if the first
 * response was lost. Callers retry what is safe to repeat.
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

/** Retries only where no response came; what Slack refused stays refused. */
const retryWithoutResponse = async <T>(call: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (attempt === attempts || !NoResponseError.safeParse(error).success) throw error;
      await pause(100 * attempt);
    }
  }
};

const eventType = "slipway_delivery";

/** How many messages back to look for an interrupted post. */
const historyLimit = 100;

/**
 * Posts and edits messages in one channel. Slack has no idempotency key, so each message carries its delivery as metadata,
 * and a post looks for that first (https://docs.slack.dev/messaging/message-metadata).
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
    const earlier = history.messages.find(
      ({ metadata }) =>
        metadata?.event_type === eventType && metadata.event_payload.delivery === view.delivery,
    );
    if (earlier) return { channel, ts: earlier.ts };
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
    /** Replaces a duplicate by one sentence: the other message shows the delivery. */
    retract: async (posted: { channel: string; ts: string }): Promise<void> => {
      const text = "Duplicate of this delivery's other message.";
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
