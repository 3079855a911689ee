import { ErrorCode } from "@slack/web-api";
import * as z from "zod";

/**
 * Slack refuses a whole message for one block that it does not take. So each message has simpler forms, which it takes more
 * probably: in the last one nobody can approve, because it does not show what they would approve.
 */
export const messageForms = ["complete", "without table", "essential"] as const;
export type MessageForm = (typeof messageForms)[number];

/** How the log names a form. */
const formNames: Readonly<Record<MessageForm, string>> = {
  complete: "in full",
  "without table": "without its table",
  essential: "with the essential alone, and nobody can approve in Slack",
};

/** Errors about a message's content, which may not hold for a simpler one. https://docs.slack.dev/reference/methods/chat.postMessage#errors */
const contentErrors: readonly string[] = [
  "invalid_blocks",
  "invalid_blocks_format",
  "invalid_attachments",
  "msg_blocks_too_long",
  "msg_too_long",
];
const ContentRefused = z.object({
  code: z.literal(ErrorCode.PlatformError),
  data: z.object({ error: z.enum(contentErrors) }),
});

/**
 * Writes a message in the first form that Slack takes. Throws the error of the last form.
 * @param onSimpler gets what Slack said, for the log
 */
export const writeAcceptedForm = async <T>(
  write: (form: MessageForm) => Promise<T>,
  onSimpler: (sentence: string, error: unknown) => void,
): Promise<T> => {
  let refusal: { readonly error: unknown; readonly said: string } | undefined;
  for (const form of messageForms)
    try {
      const written = await write(form);
      if (refusal) onSimpler(`${formNames[form]}: Slack says ${refusal.said}`, refusal.error);
      return written;
    } catch (error) {
      const said = ContentRefused.safeParse(error).data?.data.error;
      if (said === undefined || form === messageForms.at(-1)) throw error;
      refusal = { error, said };
    }
  throw refusal?.error;
};
