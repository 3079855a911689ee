import { setTimeout as pause } from "node:timers/promises";
import { ErrorCode, type KnownBlock, type WebClient } from "@slack/web-api";
import * as z from "zod";
import type { Reply } from "#domain/message/derive-replies.ts";
import { MessageGone, MessageRefused } from "#domain/message/errors.ts";
import { explainSlackError } from "./explain-slack-error.ts";
import { formatReply } from "./format-reply.ts";
import { plainText } from "./plain-text.ts";

/** The parts of Slack's Web API that deliveries use. A `WebClient` of @slack/web-api has them. */
export type SlackApi = {
  readonly chat: Pick<WebClient["chat"], "postMessage" | "update" | "postEphemeral">;
  readonly conversations: Pick<WebClient["conversations"], "history">;
  readonly views: Pick<WebClient["views"], "open">;
  readonly users: Pick<WebClient["users"], "info" | "lookupByEmail">;
  readonly usergroups: { readonly users: Pick<WebClient["usergroups"]["users"], "list"> };
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
        /** "tombstone": what Slack keeps of a deleted message that had replies. */
        subtype: z.string().optional(),
        metadata: z
          .object({ event_type: z.string(), event_payload: z.record(z.string(), z.unknown()) })
          .optional(),
      }),
    )
    .default([]),
});
const LookupResponse = z.object({ user: z.object({ id: z.string() }) });
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

/** What Slack says of a message that somebody deleted, at an edit and at a reply. */
const goneErrors = ["message_not_found", "thread_not_found"];

/** Turns errors of Slack's client into those that deliveries know. */
const explainErrors = async <T>(call: () => Promise<T>): Promise<T> => {
  try {
    return await call();
  } catch (error) {
    const problem = explainSlackError(error);
    if (!problem) throw error;
    if (problem.error !== null && goneErrors.includes(problem.error))
      throw new MessageGone("somebody deleted the message", { cause: error });
    throw new MessageRefused(`${problem.what}. ${problem.remedy}`, { cause: error });
  }
};

const isDeleted = ({ subtype }: { readonly subtype?: string | undefined }): boolean =>
  subtype === "tombstone";

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
  slack: Pick<SlackApi, "chat" | "conversations" | "users">;
  channel: string;
  render: (view: View) => { text: string; blocks: KnownBlock[] };
}) => {
  /** The Slack user with this address; undefined: none, or Slack does not say. A mention is no decision. */
  const findUser = async (email: string): Promise<string | undefined> => {
    const found = await slack.users.lookupByEmail({ email }).catch(() => undefined);
    return LookupResponse.safeParse(found).data?.user.id;
  };
  const findOrPost = async (view: View): Promise<{ channel: string; ts: string; isNew: boolean }> => {
    const history = History.parse(
      await slack.conversations.history({ channel, limit: historyLimit, include_all_metadata: true }),
    );
    const earlier = history.messages.find(
      (message) =>
        !isDeleted(message) &&
        message.metadata?.event_type === eventType &&
        message.metadata.event_payload.delivery === view.delivery,
    );
    if (earlier) return { channel, ts: earlier.ts, isNew: false };
    const posted = PostResponse.parse(
      await slack.chat.postMessage({
        channel,
        ...render(view),
        unfurl_links: false,
        metadata: { event_type: eventType, event_payload: { delivery: view.delivery } },
      }),
    );
    return { ...posted, isNew: true };
  };
  return {
    post: (view: View) => explainErrors(() => retryWithoutResponse(() => findOrPost(view))),
    /** Throws MessageRefused if Slack does not say. */
    isThere: async ({ channel, ts }: { channel: string; ts: string }): Promise<boolean> => {
      const range = { latest: ts, oldest: ts, inclusive: true, limit: 1 };
      const response = await explainErrors(() =>
        retryWithoutResponse(() => slack.conversations.history({ channel, ...range })),
      );
      return History.parse(response).messages.some((message) => message.ts === ts && !isDeleted(message));
    },
    update: async ({ channel, ts }: { channel: string; ts: string }, view: View): Promise<void> => {
      await explainErrors(() =>
        retryWithoutResponse(() => slack.chat.update({ channel, ts, ...render(view) })),
      );
    },
    reply: async ({ channel, ts }: { channel: string; ts: string }, reply: Reply): Promise<void> => {
      const { users, addresses } = reply.mentions;
      const found = await Promise.all([...new Set(addresses)].map(findUser));
      const mentioned = [...new Set([...users, ...found.filter((user) => user !== undefined)])];
      const message = {
        channel,
        thread_ts: ts,
        text: formatReply(reply, mentioned),
        parse: "none",
        unfurl_links: false,
      } as const;
      await explainErrors(() =>
        slack.chat.postMessage(reply.broadcast ? { ...message, reply_broadcast: true } : message),
      );
    },
    /** Replaces a duplicate by one sentence: the other message shows the delivery. */
    retract: async ({ channel, ts }: { channel: string; ts: string }): Promise<void> => {
      const text = "Duplicate of this delivery's other message.";
      const blocks = [{ type: "section", text: plainText(text) }] satisfies KnownBlock[];
      await explainErrors(() => retryWithoutResponse(() => slack.chat.update({ channel, ts, text, blocks })));
    },
  };
};
