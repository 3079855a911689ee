import type { ActionsBlock, Button } from "@slack/web-api";
import type { MessageState } from "#domain/message/message-state.ts";
import { clipText } from "./message-text.ts";

const plain = (text: string) => ({ type: "plain_text" as const, text });

/** The hold of the button; the command line takes any time up to a day. */
export const buttonHoldMs = 3_600_000;

/** Ids that come back when a person clicks. */
export const canaryActions = { hold: "canary-hold", abort: "canary-abort" } as const;

/** The buttons of a canary under way, for whoever may approve; nothing without one, or once it is aborted. */
export const createCanaryButtons = ({ canary, model, version }: MessageState): ActionsBlock[] => {
  if (!canary || canary.isAborting) return [];
  const subject = clipText(version === null ? model : `${model} v${version}`, 60);
  const button = { type: "button" as const, value: canary.approval };
  const elements: Button[] = [
    {
      ...button,
      action_id: canaryActions.hold,
      text: plain("Hold for 1 hour"),
      confirm: {
        title: plain(clipText(`Hold ${subject}?`, 100)),
        text: plain(
          `It stays at ${canary.percent} % of prod's traffic for an hour. A failed check still rolls it back.`,
        ),
        confirm: plain("Hold"),
        deny: plain("Cancel"),
      },
    },
    { ...button, action_id: canaryActions.abort, style: "danger", text: plain("Abort the canary…") },
  ];
  return [{ type: "actions", block_id: "canary", elements }];
};
