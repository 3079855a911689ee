/** The methods of Slack's Web API that the app calls, under `/api/<method>`. Source: https://docs.slack.dev/reference/methods */
import { Hono } from "hono";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { limitBody } from "#worlds/embedded/gateway/request-body.ts";
import { addMissingIds, blocksTextLimit, formatSlackErrors, MessageBlocks, Modal } from "./blocks.ts";
import { botUser, type DeskOptions, team } from "./desk-options.ts";
import { type Message, Metadata } from "./desk-state.ts";
import type { EventBus } from "./event-bus.ts";
import { createSlackRateLimit, slackRates } from "./rate-limit.ts";
import {
  type Arguments,
  isTrue,
  readArguments,
  readJsonArgument,
  readTextArgument,
  SlackError,
} from "./slack-arguments.ts";
import { toSlackMessage, toSlackView } from "./slack-objects.ts";

/** Characters of every `text` within, however deep. */
const textLength = (value: unknown): number =>
  typeof value === "object" && value !== null
    ? Object.entries(value).reduce(
        (sum, [key, inner]) =>
          sum + (key === "text" && typeof inner === "string" ? inner.length : textLength(inner)),
        0,
      )
    : 0;

/** Slack answers `metadata_too_large` beyond a bound that it does not document: this one is cautious. */
const metadataLimit = 8_000;

/** Slack truncates a message's text beyond this. Source: https://docs.slack.dev/reference/methods/chat.postMessage#truncating */
const textLimit = 40_000;

export const createWebApi = (options: DeskOptions & { readonly hub: EventBus }) => {
  const { state, clock, randomId, botToken, channel, users, teamId, hub } = options;
  const tooFast = createSlackRateLimit({ clock, rates: options.rates ?? slackRates });

  const readBlocks = (args: Arguments): Message["blocks"] | undefined => {
    if (args.blocks === undefined || args.blocks === null) return undefined;
    const parsed = MessageBlocks.safeParse(readJsonArgument(args.blocks, "invalid_blocks_format"));
    if (!parsed.success) throw new SlackError("invalid_blocks", formatSlackErrors(parsed.error, "/blocks"));
    if (textLength(parsed.data) > blocksTextLimit) throw new SlackError("msg_blocks_too_long");
    return addMissingIds(parsed.data, randomId);
  };

  /** `{}` takes the metadata off; undefined leaves what the message has. */
  const readMetadata = (args: Arguments): Message["metadata"] | "none" | undefined => {
    if (args.metadata === undefined || args.metadata === null) return undefined;
    const given = readJsonArgument(args.metadata, "invalid_metadata_format");
    if (typeof given !== "object" || given === null) throw new SlackError("invalid_metadata_format");
    if (Object.keys(given).length === 0) return "none";
    const parsed = Metadata.safeParse(given);
    if (!parsed.success)
      throw new SlackError("invalid_metadata_schema", formatSlackErrors(parsed.error, "/metadata"));
    if (JSON.stringify(parsed.data).length > metadataLimit) throw new SlackError("metadata_too_large");
    return parsed.data;
  };

  const inChannel = (args: Arguments): void => {
    const asked = readTextArgument(args, "channel");
    if (asked !== channel.id && asked !== channel.name && asked !== `#${channel.name}`)
      throw new SlackError("channel_not_found");
  };
  const newMessage = (args: Arguments): Message => {
    inChannel(args);
    const blocks = readBlocks(args) ?? [];
    const said = readTextArgument(args, "text") ?? "";
    if (said === "" && blocks.length === 0) throw new SlackError("no_text");
    const thread = readTextArgument(args, "thread_ts");
    return {
      ts: state.nextTs(clock()),
      ...carried(readMetadata(args)),
      user: botUser.id,
      text: said.slice(0, textLimit),
      blocks,
      ...(thread === undefined ? {} : { thread_ts: thread }),
    };
  };
  const carried = (metadata: Message["metadata"] | "none") =>
    metadata === undefined || metadata === "none" ? {} : { metadata };
  const known = (id: string | undefined) => users.find((user) => user.id === id);

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
    "chat.postMessage": (args) => {
      const message = newMessage(args);
      state.putMessage(message);
      hub.tell({ type: "message", message });
      return { channel: channel.id, ts: message.ts, message: toSlackMessage(message, options) };
    },
    "chat.update": (args) => {
      inChannel(args);
      const found = state.message(readTextArgument(args, "ts") ?? "");
      if (found === undefined || found.onlyFor !== undefined) throw new SlackError("message_not_found");
      const blocks = readBlocks(args);
      const said = readTextArgument(args, "text");
      if (said === undefined && blocks === undefined) throw new SlackError("no_text");
      const { metadata: kept, ...rest } = found;
      // Without `blocks` or `metadata`, Slack keeps those that the message has.
      const message: Message = {
        ...rest,
        ...carried(readMetadata(args) ?? kept),
        text: (said ?? found.text).slice(0, textLimit),
        blocks: blocks ?? found.blocks,
        edited: { user: botUser.id, ts: `${Math.floor(clock() / 1_000)}.000000` },
      };
      if (message.text === "" && message.blocks.length === 0) throw new SlackError("no_text");
      state.putMessage(message);
      hub.tell({ type: "message", message });
      return {
        channel: channel.id,
        ts: message.ts,
        text: message.text,
        message: toSlackMessage(message, options),
      };
    },
    "chat.postEphemeral": (args) => {
      const message = newMessage(args);
      const user = known(readTextArgument(args, "user"));
      if (user === undefined) throw new SlackError("user_not_in_channel");
      const whispered = { ...message, onlyFor: user.id };
      state.putMessage(whispered);
      hub.tell({ type: "message", message: whispered });
      return { message_ts: message.ts };
    },
    "views.open": (args) => {
      const trigger = readTextArgument(args, "trigger_id");
      if (trigger === undefined)
        throw new SlackError("invalid_arguments", ["[ERROR] missing required field: trigger_id"]);
      const parsed = Modal.safeParse(readJsonArgument(args.view, "invalid_arguments"));
      if (!parsed.success)
        throw new SlackError("invalid_arguments", formatSlackErrors(parsed.error, "/view"));
      const taken = state.exchangeTrigger(trigger, clock());
      if (taken === "unknown") throw new SlackError("invalid_trigger_id");
      if (taken === "expired") throw new SlackError("expired_trigger_id");
      if (taken === "exchanged") throw new SlackError("exchanged_trigger_id");
      const view = {
        id: `V${randomId()}`,
        user: taken.user,
        hash: `${Math.floor(clock() / 1_000)}.${randomId()}`,
        modal: { ...parsed.data, blocks: addMissingIds(parsed.data.blocks, randomId) },
      };
      state.putView(view);
      hub.tell({ type: "view", view });
      return { view: toSlackView(view, options, {}) };
    },
    "conversations.history": (args) => {
      inChannel(args);
      const limit = Math.min(Math.max(Number(readTextArgument(args, "limit") ?? 100) || 100, 1), 999);
      const latest = readTextArgument(args, "latest");
      const oldest = readTextArgument(args, "oldest");
      const inclusive = isTrue(args.inclusive);
      const found = state
        .messages(10_000)
        .filter(({ onlyFor }) => onlyFor === undefined)
        .filter(({ ts }) => latest === undefined || ts < latest || (inclusive && ts === latest))
        .filter(({ ts }) => oldest === undefined || ts > oldest || (inclusive && ts === oldest));
      return {
        messages: found.slice(0, limit).map((message) => ({
          ...toSlackMessage(message, options),
          ...(isTrue(args.include_all_metadata) ? carried(message.metadata) : {}),
        })),
        has_more: found.length > limit,
      };
    },
    "conversations.list": () => ({
      channels: [{ id: channel.id, name: channel.name, is_channel: true, is_member: true }],
      response_metadata: { next_cursor: "" },
    }),
    "users.info": (args) => {
      const user = known(readTextArgument(args, "user"));
      if (user === undefined) throw new SlackError("user_not_found");
      return {
        user: {
          id: user.id,
          team_id: teamId,
          name: user.username,
          real_name: user.name,
          deleted: false,
          is_bot: false,
          profile: { real_name: user.name, display_name: user.name, title: user.title, email: user.email },
        },
      };
    },
  };

  const refused = (error: string, messages: readonly string[] = []) => ({
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
  api.use(limitBody(1_000_000, (c) => c.json(refused("request_too_large"), 413)));
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
      const wait = tooFast(name, readTextArgument(args, "channel") ?? "");
      if (wait !== undefined) return c.json(refused("ratelimited"), 429, { "retry-after": String(wait) });
      return c.json({ ok: true, ...method(args, new URL(c.req.url).origin) });
    } catch (error) {
      if (error instanceof SlackError) return c.json(refused(error.error, error.messages));
      throw error;
    }
  });
  return api;
};
