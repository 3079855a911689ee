import type { ModalView } from "@slack/web-api";
import { maxReasonLength } from "#domain/approval/parse-rejection-reason.ts";

/** Ids that come back when an approver submits the dialog; `field` is both the block's id and the input's. */
export const breakGlassDialog = { callbackId: "break-glass", field: "break-glass-reason" } as const;

const plain = (text: string) => ({ type: "plain_text" as const, text });

/** Slack's dialog in which one more approver says why a delivery changes prod although prod is closed. */
export const renderBreakGlassDialog = (approval: string): ModalView => ({
  type: "modal",
  callback_id: breakGlassDialog.callbackId,
  private_metadata: approval,
  title: plain("Prod is closed"),
  submit: plain("Change prod"),
  close: plain("Cancel"),
  blocks: [
    {
      type: "input",
      block_id: breakGlassDialog.field,
      label: plain("Why can this not wait?"),
      hint: plain("The ledger and the message keep your name and this reason."),
      element: {
        type: "plain_text_input",
        action_id: breakGlassDialog.field,
        multiline: true,
        max_length: maxReasonLength,
      },
    },
  ],
});

/** Response body that keeps the dialog open and shows an error under its field. */
export const renderBreakGlassDialogError = (sentence: string): string =>
  JSON.stringify({ response_action: "errors", errors: { [breakGlassDialog.field]: sentence } });
