import type { ModalView } from "@slack/web-api";
import { maxReasonLength } from "#domain/approval/parse-rejection-reason.ts";
import { renderDialogError, renderInputDialog } from "./input-dialog.ts";
import { clipText } from "./message-text.ts";
import { plainText } from "./plain-text.ts";

/** Ids that come back when a person submits the dialog. */
export const abortDialog = { callbackId: "canary-abort-reason", field: "reason" } as const;

/** Slack's dialog that asks once more before a canary is aborted, and requires a reason. */
export const renderAbortDialog = (approval: string): ModalView =>
  renderInputDialog(abortDialog, {
    approval,
    title: "Abort this canary",
    submit: "Abort",
    text: "Prod goes back to the previous version, and the delivery fails with your reason.",
    label: "Reason for the abort",
    multiline: true,
    maxLength: maxReasonLength,
  });

export const renderAbortDialogError = (sentence: string): string => renderDialogError(abortDialog, sentence);

/** A dialog that says why a click did nothing. */
export const renderNoticeDialog = (sentence: string): ModalView => ({
  type: "modal",
  callback_id: "notice",
  title: plainText("Nothing was changed"),
  close: plainText("Close"),
  blocks: [{ type: "section", text: plainText(clipText(sentence, 3_000)) }],
});
