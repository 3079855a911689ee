import type { ModalView } from "@slack/web-api";
import { describeInconclusive, type TypedConfirmation } from "#domain/approval/typed-confirmation.ts";
import { escapeControls } from "#untrusted/escape-controls.ts";
import { clipText } from "./message-text.ts";

/** Ids that come back when an approver submits the dialog; `field` is both the block's id and the input's. */
export const confirmDialog = { callbackId: "confirm-approval", field: "confirmation" } as const;

const plain = (text: string) => ({ type: "plain_text" as const, text });

/** Slack's dialog in which an approver types the model's name before checks without a verdict are approved. */
export const renderConfirmDialog = (approval: string, confirmation: TypedConfirmation): ModalView => ({
  type: "modal",
  callback_id: confirmDialog.callbackId,
  private_metadata: approval,
  title: plain("Approve without proof"),
  submit: plain("Approve"),
  close: plain("Cancel"),
  blocks: [
    {
      type: "section",
      text: plain(clipText(`${escapeControls(describeInconclusive(confirmation))}.`, 3_000)),
    },
    {
      type: "input",
      block_id: confirmDialog.field,
      label: plain(`Type ${confirmation.phrase} to approve nevertheless`),
      element: {
        type: "plain_text_input",
        action_id: confirmDialog.field,
        max_length: 100,
        placeholder: plain(confirmation.phrase),
      },
    },
  ],
});

/** Response body that keeps the dialog open and shows an error under its field. */
export const renderConfirmDialogError = (sentence: string): string =>
  JSON.stringify({ response_action: "errors", errors: { [confirmDialog.field]: sentence } });
