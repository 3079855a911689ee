import type { ModalView } from "@slack/web-api";
import { plainText } from "./plain-text.ts";

/** Ids that come back when a person submits the dialog; `field` is both the block's id and the input's. */
type DialogIds = { readonly callbackId: string; readonly field: string };

type InputDialog = {
  /** The approval that the dialog is about. */
  readonly approval: string;
  readonly title: string;
  readonly submit: string;
  /** Stands above the field. */
  readonly text?: string;
  readonly label: string;
  readonly hint?: string;
  readonly placeholder?: string;
  readonly multiline?: true;
  readonly maxLength: number;
};

/** Slack's dialog with one field, which is required. https://docs.slack.dev/surfaces/modals */
export const renderInputDialog = ({ callbackId, field }: DialogIds, dialog: InputDialog): ModalView => ({
  type: "modal",
  callback_id: callbackId,
  private_metadata: dialog.approval,
  title: plainText(dialog.title),
  submit: plainText(dialog.submit),
  close: plainText("Cancel"),
  blocks: [
    ...(dialog.text === undefined ? [] : [{ type: "section" as const, text: plainText(dialog.text) }]),
    {
      type: "input",
      block_id: field,
      label: plainText(dialog.label),
      ...(dialog.hint !== undefined && { hint: plainText(dialog.hint) }),
      element: {
        type: "plain_text_input",
        action_id: field,
        ...(dialog.multiline && { multiline: true }),
        max_length: dialog.maxLength,
        ...(dialog.placeholder !== undefined && { placeholder: plainText(dialog.placeholder) }),
      },
    },
  ],
});

/** Response body that keeps a dialog open and shows an error under its field. */
export const renderDialogError = ({ field }: DialogIds, sentence: string): string =>
  JSON.stringify({ response_action: "errors", errors: { [field]: sentence } });
