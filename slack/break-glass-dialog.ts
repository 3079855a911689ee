import type { ModalView } from "@slack/web-api";
import { maxReasonLength } from "#domain/approval/parse-rejection-reason.ts";
import { renderDialogError, renderInputDialog } from "./input-dialog.ts";

/** Ids that come back when a person submits the dialog. */
export const breakGlassDialog = { callbackId: "break-glass", field: "break-glass-reason" } as const;

/** Slack's dialog in which one more approver says why a delivery changes prod although prod is closed. */
export const renderBreakGlassDialog = (approval: string): ModalView =>
  renderInputDialog(breakGlassDialog, {
    approval,
    title: "Prod is closed",
    submit: "Change prod",
    label: "Why can this not wait?",
    hint: "The ledger and the message keep your name and this reason.",
    multiline: true,
    maxLength: maxReasonLength,
  });

export const renderBreakGlassDialogError = (sentence: string): string =>
  renderDialogError(breakGlassDialog, sentence);
