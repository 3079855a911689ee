import { setTimeout as pause } from "node:timers/promises";
import { ErrorCode, type KnownBlock, type WebClient } from "@slack/web-api";
import * as z from "zod";
import type { LogWarning } from "#domain/delivery/log-warning.ts";
import type { Reply } from "#domain/message/derive-replies.ts";
import { MessageGone, MessageRefused, MessageUnconfirmed } from "#domain/message/errors.ts";
import { explainSlackError } from "./explain-slack-error.ts";
import { formatReply } from "./format-reply.ts";
import { type MessageForm, writeAcceptedForm } from "./message-forms.ts";
import { plainText } from "./plain-text.ts";

/** The parts of Slack's Web API that deliveries use. A `WebClient` of @slack/web-api has them. */
export type SlackApi = {
  readonly chat: Pick<WebClient["chat"], "postMessage" | "update" | "postEphemeral">;
  readonly conversations: Pick<WebClient["conversations"], "history" | "replies">;
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

/** What Slack says of a message that the app may not edit: another app's, or one that is too old for the workspace's settings. */
const lockedErrors = ["cant_update_message", "edit_window_closed"];

/** What Slack says of a channel in which the app cannot write any more. */
const lostChannelErrors = ["is_archived", "is_inactive", "channel_not_found", "not_in_channel"];

/** After these the call may have taken effect. https://docs.slack.dev/reference/methods/chat.postMessage#errors */
const unconfirmedErrors = ["fatal_error", "internal_error", "request_timeout", "service_unavailable"];

/**
 * Turns errors of Slack's client into those that deliveries know.
 * @param isMoved true: the message is in another channel than the one that is configured now
 */
const explainErrors = async <T>(call: () => Promise<T>, isMoved = false): Promise<T> => {
  try {
    return await call();
  } catch (error) {
    const problem = explainSlackError(error);
    if (!problem) throw error;
    const name = problem.error ?? "no response";
    if (goneErrors.includes(name)) throw new MessageGone("somebody deleted the message", { cause: error });
    if (lockedErrors.includes(name))
      throw new MessageGone(`the app may not edit it (${name})`, { cause: error });
    if (isMoved && lostChannelErrors.includes(name))
      throw new MessageGone(`${problem.what}, and another channel is configured`, { cause: error });
    const sentence = `${problem.what}. ${problem.remedy}`;
    if (problem.error === null || unconfirmedErrors.includes(name))
      throw new MessageUnconfirmed(sentence, { cause: error });
    throw new MessageRefused(sentence, { cause: error });
  }
};

const isDeleted = ({ subtype }: { readonly subtype?: string | undefined }): boolean =>
  subtype === "tombstone";

const eventType = "slipway_delivery";
const replyType = "slipway_reply";

/** How many messages back to look for an interrupted post. */
const historyLimit = 100;
/** How many messages of a thread to look through for an unconfirmed reply; Slack's most. */
const threadLimit = 999;

/**
 * Posts and edits messages in one channel. Slack has no idempotency key, so each message carries its delivery as metadata,
 * and a post looks for that first (https://docs.slack.dev/messaging/message-metadata). A message that Slack refuses for its
 * content is written in a simpler form.
 */
export const createSlackChannel = <View extends { readonly delivery: string }>({
  slack,
  channel,
  render,
  warn,
}: {
  slack: Pick<SlackApi, "chat" | "conversations" | "users">;
  channel: string;
  render: (view: View, form: MessageForm) => { text: string; blocks: KnownBlock[] };
  warn: LogWarning;
}) => {
  const writeSomeForm = <T>({ delivery }: View, write: (form: MessageForm) => Promise<T>): Promise<T> =>
    writeAcceptedForm(write, (how, error) =>
      warn(`the message of ${delivery} is written ${how}`, error, { delivery }),
    );
  /** Messages that may not be edited: a post does not find them. Another process learns it by its own first edit. */
  const locked = new Set<string>();
  const noteLock = (ts: string, error: unknown): never => {
    const name = explainSlackError(error)?.error;
    if (name && lockedErrors.includes(name)) locked.add(ts);
    throw error;
  };
  const isMoved = (posted: { readonly channel: string }): boolean => posted.channel !== channel;

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
        !locked.has(message.ts) &&
        message.metadata?.event_type === eventType &&
        message.metadata.event_payload.delivery === view.delivery,
    );
    if (earlier) return { channel, ts: earlier.ts, isNew: false };
    const posted = PostResponse.parse(
      await writeSomeForm(view, (form) =>
        slack.chat.postMessage({
          channel,
          ...render(view, form),
          unfurl_links: false,
          metadata: { event_type: eventType, event_payload: { delivery: view.delivery } },
        }),
      ),
    );
    return { ...posted, isNew: true };
  };
  const hasReply = async (posted: { channel: string; ts: string }, { id }: Reply): Promise<boolean> => {
    const thread = { ...posted, limit: threadLimit, include_all_metadata: true };
    const response = await explainErrors(() => slack.conversations.replies(thread), isMoved(posted));
    return History.parse(response).messages.some(
      ({ metadata }) => metadata?.event_type === replyType && metadata.event_payload.reply === id,
    );
  };
  return {
    post: (view: View) => explainErrors(() => retryWithoutResponse(() => findOrPost(view))),
    /** False also in another channel than the one that is configured now. Throws MessageRefused if Slack does not say. */
    isThere: async (posted: { channel: string; ts: string }): Promise<boolean> => {
      if (isMoved(posted)) return false;
      const { ts } = posted;
      const range = { latest: ts, oldest: ts, inclusive: true, limit: 1 };
      const response = await explainErrors(() =>
        retryWithoutResponse(() => slack.conversations.history({ channel, ...range })),
      );
      return History.parse(response).messages.some((message) => message.ts === ts && !isDeleted(message));
    },
    update: async (posted: { channel: string; ts: string }, view: View): Promise<void> => {
      const { channel, ts } = posted;
      const write = (form: MessageForm) =>
        retryWithoutResponse(() => slack.chat.update({ channel, ts, ...render(view, form) })).catch(
          (error: unknown) => noteLock(ts, error),
        );
      await explainErrors(() => writeSomeForm(view, write), isMoved(posted));
    },
    /**
     * Throws MessageUnconfirmed where Slack may have taken the reply.
     * @param isUnconfirmed an earlier call ended so: the reply is posted only if the thread does not have it
     */
    reply: async (
      posted: { channel: string; ts: string },
      reply: Reply,
      isUnconfirmed: boolean,
    ): Promise<void> => {
      const { channel, ts } = posted;
      if (isUnconfirmed && (await hasReply(posted, reply))) return;
      const { users, addresses } = reply.mentions;
      const found = await Promise.all([...new Set(addresses)].map(findUser));
      const mentioned = [...new Set([...users, ...found.filter((user) => user !== undefined)])];
      const message = {
        ...{ channel, thread_ts: ts, text: formatReply(reply, mentioned), unfurl_links: false },
        parse: "none" as const,
        metadata: { event_type: replyType, event_payload: { reply: reply.id } },
      };
      await explainErrors(
        () => slack.chat.postMessage(reply.broadcast ? { ...message, reply_broadcast: true } : message),
        isMoved(posted),
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
