import type { ActionsBlock, Button } from "@slack/web-api";
import type { MessageState } from "#domain/message/message-state.ts";
import { clipText } from "./message-text.ts";
import { plainText } from "./plain-text.ts";

/** The hold of the button; the command line takes any time up to a day. */
export const buttonHoldMs = 3_600_000;

/** Ids that come back when a person clicks. What a person confirmed is in the id, because a message may be a round old. */
export const canaryActions = {
  hold: "canary-hold",
  endHold: "canary-end-hold",
  go: "canary-go",
  abort: "canary-abort",
} as const;

/** The buttons of a canary under way, for whoever may approve; nothing without one, or once it is aborted. */
export const createCanaryButtons = ({ canary, model, version }: MessageState): ActionsBlock[] => {
  if (!canary || canary.isAborting) return [];
  const subject = clipText(version === null ? model : `${model} v${version}`, 60);
  const button = { type: "button" as const, value: canary.approval };
  const confirm = (title: string, text: string, accept: string) => ({
    title: plainText(clipText(title, 100)),
    text: plainText(text),
    confirm: plainText(accept),
    deny: plainText("Cancel"),
  });
  const buttons: Readonly<Record<(typeof canary.takes)[number], Button>> = {
    hold: {
      ...button,
      action_id: canaryActions.hold,
      text: plainText("Hold for 1 hour"),
      confirm: confirm(
        `Hold ${subject}?`,
        `It stays at ${canary.percent} % of prod's traffic for an hour. A failed check still rolls it back.`,
        "Hold",
      ),
    },
    "end-hold": {
      ...button,
      action_id: canaryActions.endHold,
      text: plainText("End the hold"),
      confirm: confirm(
        `End the hold of ${subject}?`,
        "The canary goes on as its rule says, and is judged at its next round.",
        "End the hold",
      ),
    },
    go: {
      ...button,
      action_id: canaryActions.go,
      text: plainText("Ask to go on"),
      confirm: confirm(
        `Ask whether ${subject} goes on?`,
        `The approvers are asked now whether it goes on from ${canary.percent} % without a verdict. Their decision is an approval as for prod. A failed check still rolls it back.`,
        "Ask them",
      ),
    },
  };
  const elements: Button[] = [
    ...canary.takes.map((order) => buttons[order]),
    { ...button, action_id: canaryActions.abort, style: "danger", text: plainText("Abort the canary…") },
  ];
  return [{ type: "actions", block_id: "canary", elements }];
};
