import * as z from "zod";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { abortDialog } from "./abort-dialog.ts";
import { breakGlassDialog } from "./break-glass-dialog.ts";
import { canaryActions } from "./canary-buttons.ts";
import { confirmDialog } from "./confirm-dialog.ts";
import { rejectDialog } from "./reject-dialog.ts";

const User = z.object({ id: z.string(), name: z.string().optional(), username: z.string().optional() });
const commonFields = { user: User, team: z.object({ id: z.string() }), api_app_id: z.string() };

/** https://docs.slack.dev/reference/interaction-payloads */
const Payload = z.discriminatedUnion("type", [
  z.object({
    ...commonFields,
    type: z.literal("block_actions"),
    trigger_id: z.string(),
    channel: z.object({ id: z.string() }),
    actions: z.array(z.object({ action_id: z.string(), value: z.string().max(2_000).optional() })).min(1),
  }),
  z.object({
    ...commonFields,
    type: z.literal("view_submission"),
    view: z.object({
      callback_id: z.string(),
      private_metadata: z.string().max(3_000),
      state: z.object({
        values: z.record(
          z.string(),
          z.record(z.string(), z.object({ value: z.string().nullable().optional() })),
        ),
      }),
    }),
  }),
]);
type Payload = z.infer<typeof Payload>;

type SlackAction =
  | {
      readonly type:
        | "approve"
        | "reject"
        | "break-glass"
        | "hold-canary"
        | "end-canary-hold"
        | "go-canary"
        | "abort-canary";
      readonly approval: string;
      readonly channel: string;
      /** Opens one dialog, within three seconds. */
      readonly triggerId: string;
    }
  | { readonly type: "submit-reason"; readonly approval: string; readonly typedReason: string }
  | { readonly type: "submit-confirmation"; readonly approval: string; readonly typed: string }
  | { readonly type: "submit-break-glass"; readonly approval: string; readonly typedReason: string }
  | { readonly type: "submit-abort"; readonly approval: string; readonly typedReason: string }
  /** A button or dialog of the app that decides nothing. */
  | { readonly type: "other" };

export type SlackInteraction = {
  readonly teamId: string;
  readonly appId: string;
  readonly user: { readonly id: string; readonly name: string };
  readonly action: SlackAction;
};

/** By the id of the button. */
const clickTypes = new Map([
  ["approve", "approve"],
  ["reject", "reject"],
  ["break-glass", "break-glass"],
  [canaryActions.hold, "hold-canary"],
  [canaryActions.endHold, "end-canary-hold"],
  [canaryActions.go, "go-canary"],
  [canaryActions.abort, "abort-canary"],
] as const);

const toAction = (payload: Payload): SlackAction => {
  switch (payload.type) {
    case "block_actions": {
      const [clicked] = payload.actions.flatMap(({ action_id, value }) => {
        const type = [...clickTypes].find(([id]) => id === action_id)?.[1];
        return type && value ? [{ type, value }] : [];
      });
      if (!clicked) return { type: "other" };
      return {
        type: clicked.type,
        approval: clicked.value,
        channel: payload.channel.id,
        triggerId: payload.trigger_id,
      };
    }
    case "view_submission": {
      const { callback_id, private_metadata, state } = payload.view;
      const readField = (field: string) =>
        getOwnProperty(getOwnProperty(state.values, field) ?? {}, field)?.value ?? "";
      switch (callback_id) {
        case rejectDialog.callbackId:
          return {
            type: "submit-reason",
            approval: private_metadata,
            typedReason: readField(rejectDialog.field),
          };
        case confirmDialog.callbackId:
          return {
            type: "submit-confirmation",
            approval: private_metadata,
            typed: readField(confirmDialog.field),
          };
        case breakGlassDialog.callbackId:
          return {
            type: "submit-break-glass",
            approval: private_metadata,
            typedReason: readField(breakGlassDialog.field),
          };
        case abortDialog.callbackId:
          return {
            type: "submit-abort",
            approval: private_metadata,
            typedReason: readField(abortDialog.field),
          };
        default:
          return { type: "other" };
      }
    }
    default:
      return payload satisfies never;
  }
};

/**
 * What a Slack user clicked or submitted, from the form that Slack posts; undefined: not an interaction of this app.
 * Verify the bytes first (`verifySlackRequest`).
 */
export const parseInteraction = (rawBody: Uint8Array): SlackInteraction | undefined => {
  const payload = readPayload(rawBody);
  if (!payload) return undefined;
  const { id, name, username } = payload.user;
  return {
    teamId: payload.team.id,
    appId: payload.api_app_id,
    user: { id, name: name ?? username ?? id },
    action: toAction(payload),
  };
};

const readPayload = (rawBody: Uint8Array): Payload | undefined => {
  try {
    const form = new URLSearchParams(new TextDecoder("utf-8", { fatal: true }).decode(rawBody));
    return Payload.safeParse(JSON.parse(form.get("payload") ?? "")).data;
  } catch {
    return undefined;
  }
};
