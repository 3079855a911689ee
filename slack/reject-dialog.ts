import type { ModalView } from "@slack/web-api";
import { maxReasonLength } from "#domain/approval/parse-rejection-reason.ts";

/** Ids that come back when an approver submits the dialog; `field` is both the block's id and the input's. */
export const rejectDialog = { callbackId: "reject-reason", field: "reason" } as const;

const plain = (text: string) => ({ type: "plain_text" as const, text });

/** Slack's dialog that requires a reason for a rejection. https://docs.slack.dev/surfaces/modals */
export const renderRejectDialog = (approval: string): ModalView => ({
  type: "modal",
  callback_id: rejectDialog.callbackId,
  private_metadata: approval,
  title: plain("Reject this version"),
  submit: plain("Reject"),
  close: plain("Cancel"),
  blocks: [
    {
      type: "input",
      block_id: rejectDialog.field,
      label: plain("Reason for the rejection"),
      element: {
        type: "plain_text_input",
        action_id: rejectDialog.field,
        multiline: true,
        max_length: maxReasonLength,
      },
    },
  ],
});

/** Response body that keeps the dialog open and shows an error under its field. */
export const renderRejectDialogError = (sentence: string): string =>
  JSON.stringify({ response_action: "errors", errors: { [rejectDialog.field]: sentence } });
