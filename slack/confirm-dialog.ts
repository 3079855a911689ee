import type { ModalView } from "@slack/web-api";
import { describeInconclusive, type TypedConfirmation } from "#domain/approval/typed-confirmation.ts";
import { escapeControls } from "#untrusted/escape-controls.ts";
import { renderDialogError, renderInputDialog } from "./input-dialog.ts";
import { clipText } from "./message-text.ts";

/** Ids that come back when a person submits the dialog. */
export const confirmDialog = { callbackId: "confirm-approval", field: "confirmation" } as const;

/** Slack's dialog in which an approver types the model's name before checks without a verdict are approved. */
export const renderConfirmDialog = (approval: string, confirmation: TypedConfirmation): ModalView =>
  renderInputDialog(confirmDialog, {
    approval,
    title: "Approve without proof",
    submit: "Approve",
    text: clipText(`${escapeControls(describeInconclusive(confirmation))}.`, 3_000),
    label: `Type ${confirmation.phrase} to approve nevertheless`,
    placeholder: confirmation.phrase,
    maxLength: 100,
  });

export const renderConfirmDialogError = (sentence: string): string =>
  renderDialogError(confirmDialog, sentence);
