import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { callSlack, type SlackNeeds } from "./call-slack.ts";
import type { DoctorFinding } from "./finding.ts";

const explanations: Readonly<Record<string, { readonly what: string; readonly remedy: string }>> = {
  not_in_channel: {
    what: "the app is not a member of it",
    remedy: "Invite the app there: /invite @<the app's name>",
  },
  channel_not_found: {
    what: "Slack knows no such channel, or it is private and the app is not a member",
    remedy:
      "Invite the app there: /invite @<the app's name>. Or correct slack.channel in terraform/config.ts, the channel's id at the end of its link, and apply the stack `delivery`.",
  },
  missing_scope: {
    what: "the app has no scope to read it",
    remedy: "Add channels:history, for a private channel groups:history, to the app and reinstall it.",
  },
};

/**
 * Checks that the app reads the deliveries' channel, which only a member can.
 * https://docs.slack.dev/reference/methods/conversations.history
 */
export const checkSlackChannel = async (
  needs: SlackNeeds,
  channel: string,
): Promise<DoctorFinding | undefined> => {
  const response = await callSlack(needs, "conversations.history", { channel, limit: "1" });
  if (response === undefined) return undefined;
  if (response.ok) return { status: "ok", sentence: `The app is a member of the channel ${channel}.` };
  const error = (response.error ?? "").slice(0, 60);
  const { what, remedy } = getOwnProperty(explanations, error) ?? {
    what: `Slack says ${error}`,
    remedy: "https://docs.slack.dev/reference/methods/conversations.history explains the error.",
  };
  return {
    status: "missing",
    sentence: `Approvals cannot be posted in the channel ${channel}: ${what}.`,
    remedy,
  };
};
