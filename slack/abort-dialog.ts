import type { ModalView } from "@slack/web-api";
import { maxReasonLength } from "#domain/approval/parse-rejection-reason.ts";
import { clipText } from "./message-text.ts";

/** Ids that come back when a person submits the dialog; `field` is both the block's id and the input's. */
export const abortDialog = { callbackId: "canary-abort-reason", field: "reason" } as const;

const plain = (text: string) => ({ type: "plain_text" as const, text });

/** Slack's dialog that asks once more before a canary is aborted, and requires a reason. */
export const renderAbortDialog = (approval: string): ModalView => ({
  type: "modal",
  callback_id: abortDialog.callbackId,
  private_metadata: approval,
  title: plain("Abort this canary"),
  submit: plain("Abort"),
  close: plain("Cancel"),
  blocks: [
    {
      type: "section",
      text: plain("Prod goes back to the previous version, and the delivery fails with your reason."),
    },
    {
      type: "input",
      block_id: abortDialog.field,
      label: plain("Reason for the abort"),
      element: {
        type: "plain_text_input",
        action_id: abortDialog.field,
        multiline: true,
        max_length: maxReasonLength,
      },
    },
  ],
});

/** Response body that keeps the dialog open and shows an error under its field. */
export const renderAbortDialogError = (sentence: string): string =>
  JSON.stringify({ response_action: "errors", errors: { [abortDialog.field]: sentence } });

/** A dialog that says why a click did nothing. */
export const renderNoticeDialog = (sentence: string): ModalView => ({
  type: "modal",
  callback_id: "notice",
  title: plain("Nothing was changed"),
  close: plain("Close"),
  blocks: [{ type: "section", text: plain(clipText(sentence, 3_000)) }],
});
