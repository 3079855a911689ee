import type { ActionsBlock, Button } from "@slack/web-api";
import type { MessageState } from "#domain/message/message-state.ts";
import { clipText } from "./message-text.ts";
import { plainText } from "./plain-text.ts";

/** Asks once more before the click counts: a thumb slips on a phone. */
const confirmApproval = ({ model, version, question }: MessageState): Button["confirm"] => {
  const canaryPercent = question?.status === "open" ? question.canaryPercent : null;
  const subject = version === null ? model : `${model} v${version}`;
  return {
    title: plainText(clipText(canaryPercent === null ? `Approve ${subject}?` : `Continue ${subject}?`, 100)),
    text: plainText(
      canaryPercent === null
        ? `${subject} will be rolled out to prod.`
        : `The canary of ${subject} goes on without proof.`,
    ),
    confirm: plainText(canaryPercent === null ? "Approve" : "Continue"),
    deny: plainText("Cancel"),
  };
};

/** The buttons of an open question or of a delivery that a closed prod holds, and the link to the delivery's page; nothing without both. Rejecting asks for a reason. */
export const createDecisionButtons = (state: MessageState, link: string | undefined): ActionsBlock[] => {
  const open = state.question?.status === "open" ? state.question : undefined;
  const button = { type: "button" as const };
  // Where the click opens a dialog, a question before it only costs time.
  const confirm = open?.confirmation ? undefined : confirmApproval(state);
  const elements: Button[] = [
    ...(open
      ? [
          {
            ...button,
            action_id: "approve",
            style: "primary" as const,
            text: plainText(open.confirmation ? "Approve…" : "Approve"),
            value: open.approval,
            ...(confirm && { confirm }),
          },
          {
            ...button,
            action_id: "reject",
            style: "danger" as const,
            text: plainText("Reject…"),
            value: open.approval,
          },
        ]
      : []),
    ...(state.held
      ? [
          {
            ...button,
            action_id: "break-glass",
            style: "danger" as const,
            text: plainText("Break the glass…"),
            value: state.held.approval,
          },
        ]
      : []),
    ...(link
      ? [{ ...button, action_id: "open-delivery", text: plainText("Open the delivery"), url: link }]
      : []),
  ];
  return elements.length > 0 ? [{ type: "actions", block_id: "decision", elements }] : [];
};
