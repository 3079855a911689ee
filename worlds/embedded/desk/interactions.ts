/**
 * Turns clicks into Slack's interaction payloads, signs them and posts them to the app.
 * Source: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload and …/view-interactions-payload
 */
import { z } from "zod";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import type { Button } from "./blocks.ts";
import { addMissingIds, formatSlackErrors, MessageBlocks, Modal } from "./blocks.ts";
import { type DeskOptions, type DeskUser, team } from "./desk-options.ts";
import type { Message, View } from "./desk-state.ts";
import type { EventBus } from "./event-bus.ts";
import { signSlackRequest } from "./sign-slack-request.ts";
import { toSlackMessage, toSlackView, type ViewValues } from "./slack-objects.ts";

/** The result of a click, for the page. */
type ClickResult = { readonly status: "answered" } | { readonly status: "failed"; readonly notice: string };
type SubmitResult =
  | { readonly status: "closed" }
  | { readonly status: "updated"; readonly view: View }
  | { readonly status: "refused"; readonly errors: Readonly<Record<string, string>> }
  | { readonly status: "failed"; readonly notice: string };

const ViewResponse = z.discriminatedUnion("response_action", [
  z.object({ response_action: z.literal("clear") }),
  z.object({ response_action: z.literal("errors"), errors: z.record(z.string(), z.string()) }),
  z.object({ response_action: z.literal("update"), view: Modal }),
]);

/** Source: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses */
const ResponseBody = z.object({
  text: z.string().max(40_000).optional(),
  blocks: MessageBlocks.optional(),
  replace_original: z.boolean().default(false),
  delete_original: z.boolean().default(false),
  response_type: z.enum(["ephemeral", "in_channel"]).default("ephemeral"),
});

const parseJson = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};

const minuteMs = 60_000;
const triggerLifetimeMs = 3_000;

const listButtons = (message: Message): { readonly blockId: string | undefined; readonly button: Button }[] =>
  message.blocks.flatMap((block) => {
    if (block.type === "actions")
      return block.elements.map((button) => ({ blockId: block.block_id, button }));
    return block.type === "section" && block.accessory !== undefined
      ? [{ blockId: block.block_id, button: block.accessory }]
      : [];
  });

export const createInteractions = (options: DeskOptions & { readonly events: EventBus }) => {
  const { state, clock, randomId, events, teamId, appId, channel } = options;

  const send = async (
    payload: Record<string, unknown>,
  ): Promise<{ status: "answered"; body: string } | { status: "failed"; notice: string }> => {
    const body = `payload=${encodeURIComponent(JSON.stringify(payload))}`;
    const timestamp = Math.floor(clock() / 1_000);
    try {
      const response = await fetch(options.callbackUrl(), {
        method: "POST",
        headers: {
          "content-type": "application/x-www-form-urlencoded",
          accept: "application/json,*/*",
          "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
          "x-slack-request-timestamp": String(timestamp),
          "x-slack-signature": signSlackRequest(options.signingSecret, timestamp, body),
        },
        body,
        redirect: "manual",
        signal: AbortSignal.timeout(options.callbackTimeoutMs ?? 3_000),
      });
      const responseBody = await response.text();
      return response.status === 200
        ? { status: "answered", body: responseBody }
        : { status: "failed", notice: `This app responded with status code ${response.status}.` };
    } catch (error) {
      // fetch's messages contain addresses and internals, so the page shows Slack's messages.
      return error instanceof Error && error.name === "TimeoutError"
        ? { status: "failed", notice: "Operation timed out: the app did not respond in time (limit 3 s)." }
        : { status: "failed", notice: "This app is not responding." };
    }
  };

  const createCommonFields = (user: DeskUser) => {
    const trigger = `${clock()}.${randomId()}`;
    state.addTrigger(trigger, user.id, clock() + triggerLifetimeMs);
    return {
      user: { id: user.id, username: user.username, name: user.username, team_id: teamId },
      api_app_id: appId,
      // Slack's verification token is deprecated; an app must verify the signature.
      token: "deprecated",
      trigger_id: trigger,
      team: { id: teamId, domain: team.domain },
      enterprise: null,
      is_enterprise_install: false,
    };
  };

  const applyViewResponse = (view: View, body: string): SubmitResult => {
    const response = ViewResponse.safeParse(parseJson(body));
    if (!response.success)
      return {
        status: "failed",
        notice: `The app's response is invalid: ${formatSlackErrors(response.error, "")[0] ?? ""}`,
      };
    switch (response.data.response_action) {
      case "clear":
        state.removeView(view.id);
        return { status: "closed" };
      case "errors":
        return { status: "refused", errors: response.data.errors };
      case "update": {
        const { view: modal } = response.data;
        const next = { ...view, modal: { ...modal, blocks: addMissingIds(modal.blocks, randomId) } };
        state.putView(next);
        return { status: "updated", view: next };
      }
      default:
        return response.data satisfies never;
    }
  };

  return {
    /** A click on a button. Undefined: the message or the button does not exist. */
    async click(request: {
      readonly user: DeskUser;
      readonly ts: string;
      readonly block: string;
      readonly action: string;
      /** The desk's own origin, for the response_url. */
      readonly origin: string;
    }): Promise<ClickResult | undefined> {
      const { user, ts } = request;
      const message = state.message(ts);
      if (message === undefined || (message.onlyFor !== undefined && message.onlyFor !== user.id))
        return undefined;
      const clicked = listButtons(message).find(
        ({ blockId, button }) => blockId === request.block && button.action_id === request.action,
      );
      if (clicked === undefined) return undefined;
      const { text, url, value, style } = clicked.button;
      const responseId = randomId() + randomId();
      state.addResponseAddress(responseId, { ts, user: user.id }, clock() + 30 * minuteMs);
      const result = await send({
        type: "block_actions",
        ...createCommonFields(user),
        container: {
          type: "message",
          message_ts: ts,
          channel_id: channel.id,
          is_ephemeral: message.onlyFor !== undefined,
        },
        channel: { id: channel.id, name: channel.name },
        ...(message.onlyFor === undefined ? { message: toSlackMessage(message, options) } : {}),
        state: { values: {} },
        response_url: `${request.origin}/response/${responseId}`,
        actions: [
          {
            action_id: request.action,
            block_id: request.block,
            text: { ...text, emoji: text.emoji ?? true },
            ...(value === undefined ? {} : { value }),
            ...(url === undefined ? {} : { url }),
            ...(style === undefined ? {} : { style }),
            type: "button",
            action_ts: (clock() / 1_000).toFixed(6),
          },
        ],
      });
      return result.status === "answered" ? { status: "answered" } : result;
    },

    /** The submission of a dialog; `typed`: the inputs by block. Undefined: the dialog is not open. */
    async submit(request: {
      readonly user: DeskUser;
      readonly view: string;
      readonly typed: Readonly<Record<string, string>>;
    }): Promise<SubmitResult | undefined> {
      const view = state.view(request.view);
      if (view === undefined || view.user !== request.user.id) return undefined;
      const values = new Map<string, Record<string, string>>();
      const errors = new Map<string, string>();
      for (const block of view.modal.blocks) {
        if (block.type !== "input") continue;
        const { block_id: id = "", element } = block;
        const value = getOwnProperty(request.typed, id) ?? "";
        const { min_length: least = 0, max_length: most = 3_000 } = element;
        // Slack's client checks these itself; the app does not get such a submission.
        if (value.trim() === "" && !block.optional) errors.set(id, "Please complete this required field.");
        else if (value.length > most) errors.set(id, `Please enter no more than ${most} characters.`);
        else if (value !== "" && value.length < least)
          errors.set(id, `Please enter at least ${least} characters.`);
        values.set(id, { [element.action_id ?? ""]: value });
      }
      if (errors.size > 0) return { status: "refused", errors: Object.fromEntries(errors) };
      const result = await send({
        type: "view_submission",
        ...createCommonFields(request.user),
        view: toSlackView(view, options, Object.fromEntries(values) satisfies ViewValues),
        response_urls: [],
      });
      if (result.status === "failed") return result;
      if (result.body.trim() === "") {
        state.removeView(view.id);
        return { status: "closed" };
      }
      return applyViewResponse(view, result.body);
    },

    /** The app posts to a response_url. */
    respond(id: string, body: unknown): { readonly error: string } | undefined {
      const address = state.useResponseAddress(id, clock());
      if (address === undefined) return { error: "expired_url" };
      const parsed = ResponseBody.safeParse(body);
      if (!parsed.success) return { error: "invalid_payload" };
      const { text, blocks, replace_original, delete_original, response_type } = parsed.data;
      if (delete_original) {
        state.removeMessage(address.ts);
        events.emit({ type: "removed", ts: address.ts });
        return undefined;
      }
      const original = state.message(address.ts);
      if (text === undefined && blocks === undefined) return { error: "no_text" };
      const blocksWithIds = addMissingIds(blocks ?? [], randomId);
      const message: Message =
        replace_original && original !== undefined
          ? { ...original, text: text ?? "", blocks: blocksWithIds }
          : {
              ts: state.nextTs(clock()),
              user: original?.user ?? "",
              text: text ?? "",
              blocks: blocksWithIds,
              ...(response_type === "in_channel" ? {} : { onlyFor: address.user }),
            };
      state.putMessage(message);
      events.emit({ type: "message", message });
      return undefined;
    },
  };
};
