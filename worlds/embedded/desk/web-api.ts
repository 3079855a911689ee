/** The methods of Slack's Web API that the app calls, under `/api/<method>`. Source: https://docs.slack.dev/reference/methods */
import { once } from "node:events";
import { Hono } from "hono";
import { readAppManifest } from "#slack/read-app-manifest.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { limitBody } from "#worlds/embedded/gateway/request-body.ts";
import { addMissingIds, blocksTextLimit, formatSlackErrors, MessageBlocks, Modal } from "./blocks.ts";
import { botUser, type DeskOptions, type DeskUser, team } from "./desk-options.ts";
import { isInChannel, type Message, Metadata } from "./desk-state.ts";
import type { EventBus } from "./event-bus.ts";
import { createSlackRateLimit, slackRates } from "./rate-limit.ts";
import { requiredScopes } from "./required-scopes.ts";
import {
  type Arguments,
  isTrue,
  readArguments,
  readJsonArgument,
  readTextArgument,
  SlackError,
} from "./slack-arguments.ts";
import { toSlackMessage, toSlackView } from "./slack-objects.ts";

/** Characters of all `text` values, at any depth. */
const textLength = (value: unknown): number =>
  typeof value === "object" && value !== null
    ? Object.entries(value).reduce(
        (sum, [key, inner]) =>
          sum + (key === "text" && typeof inner === "string" ? inner.length : textLength(inner)),
        0,
      )
    : 0;

/** Slack's limit (`metadata_too_large`) is undocumented; this one is cautious. */
const metadataLimit = 8_000;

/** Slack truncates a message's text beyond this. Source: https://docs.slack.dev/reference/methods/chat.postMessage#truncating */
const textLimit = 40_000;

const waitForAbort = async (signal: AbortSignal): Promise<void> => {
  if (!signal.aborted) await once(signal, "abort");
};

export const createWebApi = (options: DeskOptions & { readonly events: EventBus }) => {
  const { state, clock, randomId, botToken, channel, users, teamId, appId, events } = options;
  const scopes = options.scopes ?? readAppManifest().scopes.map(({ scope }) => scope);
  const findWaitSeconds = createSlackRateLimit({ clock, rates: options.rates ?? slackRates });

  const readBlocks = (args: Arguments): Message["blocks"] | undefined => {
    if (args.blocks === undefined || args.blocks === null) return undefined;
    const parsed = MessageBlocks.safeParse(readJsonArgument(args.blocks, "invalid_blocks_format"));
    if (!parsed.success) throw new SlackError("invalid_blocks", formatSlackErrors(parsed.error, "/blocks"));
    if (textLength(parsed.data) > blocksTextLimit) throw new SlackError("msg_blocks_too_long");
    return addMissingIds(parsed.data, randomId);
  };

  /** `{}` ("none") removes the metadata; undefined keeps the message's. */
  const readMetadata = (args: Arguments): Message["metadata"] | "none" | undefined => {
    if (args.metadata === undefined || args.metadata === null) return undefined;
    const metadata = readJsonArgument(args.metadata, "invalid_metadata_format");
    if (typeof metadata !== "object" || metadata === null) throw new SlackError("invalid_metadata_format");
    if (Object.keys(metadata).length === 0) return "none";
    const parsed = Metadata.safeParse(metadata);
    if (!parsed.success)
      throw new SlackError("invalid_metadata_schema", formatSlackErrors(parsed.error, "/metadata"));
    if (JSON.stringify(parsed.data).length > metadataLimit) throw new SlackError("metadata_too_large");
    return parsed.data;
  };

  const assertChannel = (args: Arguments): void => {
    const name = readTextArgument(args, "channel");
    if (name !== channel.id && name !== channel.name && name !== `#${channel.name}`)
      throw new SlackError("channel_not_found");
  };
  const createMessage = (args: Arguments): Message => {
    assertChannel(args);
    const blocks = readBlocks(args) ?? [];
    const text = readTextArgument(args, "text") ?? "";
    if (text === "" && blocks.length === 0) throw new SlackError("no_text");
    const thread = readTextArgument(args, "thread_ts");
    if (thread !== undefined && state.message(thread) === undefined) throw new SlackError("thread_not_found");
    return {
      ts: state.nextTs(clock()),
      ...withMetadata(readMetadata(args)),
      user: botUser.id,
      text: text.slice(0, textLimit),
      blocks,
      ...(thread === undefined ? {} : { thread_ts: thread }),
      ...(thread !== undefined && isTrue(args.reply_broadcast)
        ? { subtype: "thread_broadcast" as const }
        : {}),
    };
  };
  const withMetadata = (metadata: Message["metadata"] | "none") =>
    metadata === undefined || metadata === "none" ? {} : { metadata };
  const findUser = (id: string | undefined) => users.find((user) => user.id === id);

  const describeUser = (user: DeskUser | undefined, error: string) => {
    if (user === undefined) throw new SlackError(error);
    return {
      user: {
        id: user.id,
        team_id: teamId,
        name: user.username,
        real_name: user.name,
        deleted: false,
        is_bot: false,
        profile: {
          real_name: user.name,
          display_name: user.name,
          title: user.title,
          ...(scopes.includes("users:read.email") ? { email: user.email } : {}),
        },
      },
    };
  };

  const methods: Readonly<Record<string, (args: Arguments, base: string) => Record<string, unknown>>> = {
    "auth.test": (_, base) => ({
      url: `${base}/`,
      team: team.name,
      user: botUser.username,
      team_id: teamId,
      user_id: botUser.id,
      bot_id: botUser.botId,
      is_enterprise_install: false,
    }),
    "bots.info": (args) => {
      if (readTextArgument(args, "bot") !== botUser.botId) throw new SlackError("bot_not_found");
      return { bot: { id: botUser.botId, name: botUser.name, deleted: false, app_id: appId } };
    },
    "chat.postMessage": (args) => {
      const message = createMessage(args);
      state.putMessage(message);
      events.emit({ type: "message", message });
      const parent = message.thread_ts === undefined ? undefined : state.message(message.thread_ts);
      if (parent) events.emit({ type: "message", message: parent });
      return { channel: channel.id, ts: message.ts, message: toSlackMessage(message, options) };
    },
    "chat.update": (args) => {
      assertChannel(args);
      const original = state.message(readTextArgument(args, "ts") ?? "");
      if (original === undefined || original.onlyFor !== undefined) throw new SlackError("message_not_found");
      const blocks = readBlocks(args);
      const text = readTextArgument(args, "text");
      if (text === undefined && blocks === undefined) throw new SlackError("no_text");
      const { metadata: previousMetadata, ...rest } = original;
      // Without `blocks` or `metadata`, Slack keeps the message's.
      const message: Message = {
        ...rest,
        ...withMetadata(readMetadata(args) ?? previousMetadata),
        text: (text ?? original.text).slice(0, textLimit),
        blocks: blocks ?? original.blocks,
        edited: { user: botUser.id, ts: `${Math.floor(clock() / 1_000)}.000000` },
      };
      if (message.text === "" && message.blocks.length === 0) throw new SlackError("no_text");
      state.putMessage(message);
      events.emit({ type: "message", message });
      return {
        channel: channel.id,
        ts: message.ts,
        text: message.text,
        message: toSlackMessage(message, options),
      };
    },
    "chat.postEphemeral": (args) => {
      const message = createMessage(args);
      const user = findUser(readTextArgument(args, "user"));
      if (user === undefined) throw new SlackError("user_not_in_channel");
      const ephemeral = { ...message, onlyFor: user.id };
      state.putMessage(ephemeral);
      events.emit({ type: "message", message: ephemeral });
      return { message_ts: message.ts };
    },
    "views.open": (args) => {
      const trigger = readTextArgument(args, "trigger_id");
      if (trigger === undefined)
        throw new SlackError("invalid_arguments", ["[ERROR] missing required field: trigger_id"]);
      const parsed = Modal.safeParse(readJsonArgument(args.view, "invalid_arguments"));
      if (!parsed.success)
        throw new SlackError("invalid_arguments", formatSlackErrors(parsed.error, "/view"));
      const exchange = state.exchangeTrigger(trigger, clock());
      if (exchange === "unknown") throw new SlackError("invalid_trigger_id");
      if (exchange === "expired") throw new SlackError("expired_trigger_id");
      if (exchange === "exchanged") throw new SlackError("exchanged_trigger_id");
      const view = {
        id: `V${randomId()}`,
        user: exchange.user,
        hash: `${Math.floor(clock() / 1_000)}.${randomId()}`,
        modal: { ...parsed.data, blocks: addMissingIds(parsed.data.blocks, randomId) },
      };
      state.putView(view);
      events.emit({ type: "view", view });
      return { view: toSlackView(view, options, {}) };
    },
    "conversations.history": (args) => {
      assertChannel(args);
      const limit = Math.min(Math.max(Number(readTextArgument(args, "limit") ?? 100) || 100, 1), 999);
      const latest = readTextArgument(args, "latest");
      const oldest = readTextArgument(args, "oldest");
      const inclusive = isTrue(args.inclusive);
      const found = state
        .messages(10_000)
        .filter(({ onlyFor }) => onlyFor === undefined)
        // Of a thread only what was broadcast: the rest is in conversations.replies.
        .filter(isInChannel)
        .filter(({ ts }) => latest === undefined || ts < latest || (inclusive && ts === latest))
        .filter(({ ts }) => oldest === undefined || ts > oldest || (inclusive && ts === oldest));
      return {
        messages: found.slice(0, limit).map((message) => ({
          ...toSlackMessage(message, options),
          ...(isTrue(args.include_all_metadata) ? withMetadata(message.metadata) : {}),
        })),
        has_more: found.length > limit,
      };
    },
    "conversations.replies": (args) => {
      assertChannel(args);
      const parent = state.message(readTextArgument(args, "ts") ?? "");
      if (parent === undefined) throw new SlackError("thread_not_found");
      const limit = Math.min(Math.max(Number(readTextArgument(args, "limit") ?? 1_000) || 1_000, 1), 1_000);
      const thread = [parent, ...state.replies(parent.ts)];
      return {
        messages: thread.slice(0, limit).map((message) => ({
          ...toSlackMessage(message, options),
          ...(isTrue(args.include_all_metadata) ? withMetadata(message.metadata) : {}),
        })),
        has_more: thread.length > limit,
      };
    },
    "conversations.list": () => ({
      channels: [{ id: channel.id, name: channel.name, is_channel: true, is_member: true }],
      response_metadata: { next_cursor: "" },
    }),
    "users.info": (args) => describeUser(findUser(readTextArgument(args, "user")), "user_not_found"),
    "usergroups.users.list": (args) => {
      const group = options.groups?.find(({ id }) => id === readTextArgument(args, "usergroup"));
      if (group === undefined) throw new SlackError("no_such_subteam");
      return { users: [...group.users] };
    },
    "users.lookupByEmail": (args) => {
      const email = readTextArgument(args, "email")?.toLowerCase();
      return describeUser(
        users.find((user) => user.email.toLowerCase() === email),
        "users_not_found",
      );
    },
  };

  const createRefusal = (error: string, messages: readonly string[] = []) => ({
    ok: false,
    error,
    ...(messages.length === 0
      ? {}
      : {
          errors: messages.map((message) => message.replace("[ERROR] ", "")),
          response_metadata: { messages },
        }),
  });

  const api = new Hono();
  api.use(limitBody(1_000_000, (c) => c.json(createRefusal("request_too_large"), 413)));
  api.all("/:method", async (c) => {
    try {
      const args = await readArguments(c);
      const header = c.req.header("authorization");
      const token =
        header === undefined ? readTextArgument(args, "token") : header.replace(/^Bearer\s+/i, "");
      if (token === undefined || token === "") throw new SlackError("not_authed");
      if (token !== botToken) throw new SlackError("invalid_auth");
      const name = c.req.param("method");
      const method = getOwnProperty(methods, name);
      if (method === undefined) throw new SlackError("unknown_method");
      const fault = options.findFault?.({
        method: name,
        channel: readTextArgument(args, "channel"),
        blocks: (readBlocks(args) ?? []).map(({ type }) => type),
      });
      switch (fault?.kind) {
        case undefined:
          break;
        case "error":
          throw new SlackError(fault.error);
        case "rate limited":
          return c.json(
            createRefusal("ratelimited"),
            429,
            fault.retryAfterSeconds === null ? {} : { "retry-after": String(fault.retryAfterSeconds) },
          );
        case "status":
          return c.html("<h1>Server Error</h1>", fault.status);
        case "lost response":
        case "no response":
          if (fault.kind === "lost response") method(args, new URL(c.req.url).origin);
          await Promise.race([c.req.raw.signal, ...(options.stop ? [options.stop] : [])].map(waitForAbort));
          return c.body(null, 503);
        default:
          return fault satisfies never;
      }
      c.header("x-oauth-scopes", scopes.join(","));
      const needed = getOwnProperty(requiredScopes, name);
      if (needed !== undefined && !scopes.includes(needed))
        return c.json({ ...createRefusal("missing_scope"), needed, provided: scopes.join(",") });
      const wait = findWaitSeconds(name, readTextArgument(args, "channel") ?? "");
      if (wait !== undefined)
        return c.json(createRefusal("ratelimited"), 429, { "retry-after": String(wait) });
      return c.json({ ok: true, ...method(args, new URL(c.req.url).origin) });
    } catch (error) {
      if (error instanceof SlackError) return c.json(createRefusal(error.error, error.messages));
      throw error;
    }
  });
  return api;
};
