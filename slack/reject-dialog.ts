import type { ModalView } from "@slack/web-api";
import { maxReasonLength } from "#domain/approval/parse-rejection-reason.ts";
import { renderDialogError, renderInputDialog } from "./input-dialog.ts";

/** Ids that come back when a person submits the dialog. */
export const rejectDialog = { callbackId: "reject-reason", field: "reason" } as const;

/** Slack's dialog that requires a reason for a rejection. */
export const renderRejectDialog = (approval: string): ModalView =>
  renderInputDialog(rejectDialog, {
    approval,
    title: "Reject this version",
    submit: "Reject",
    label: "Reason for the rejection",
    multiline: true,
    maxLength: maxReasonLength,
  });

export const renderRejectDialogError = (sentence: string): string =>
  renderDialogError(rejectDialog, sentence);
