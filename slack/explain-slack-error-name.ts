import { getOwnProperty } from "#untrusted/get-own-property.ts";

export type SlackExplanation = {
  /** What happened, without a full stop. */
  readonly what: string;
  /** What to do, as sentences. */
  readonly remedy: string;
};

/** What becomes of a call that Slack could not take. */
export const waits =
  "It is tried again within minutes. Meanwhile `slipway approve` and `slipway reject` decide without Slack.";
const archived = {
  what: "the channel is archived",
  remedy:
    "Unarchive it in Slack; or set slack.channel in terraform/config.ts to another one and apply the stack `delivery`.",
};
const invite = "Invite the app there: /invite @<the app's name>.";
const refusedToken = {
  what: "Slack refuses the bot's token",
  remedy: "Install the app in the workspace, and set SLACK_BOT_TOKEN to its bot token (xoxb-…).",
};

const refusedContent = {
  what: "Slack refuses the message's content, even in its simplest form",
  remedy:
    "`slipway approve` and `slipway reject` decide without Slack; the log has what Slack says of each block.",
};

const restricted = {
  what: "the channel's settings do not let the app post",
  remedy:
    "Allow it there (the channel's settings, posting permissions), or ask the workspace's administrators.",
};

/** Errors that a person can end. https://docs.slack.dev/reference/methods/chat.postMessage#errors */
const explanations: Readonly<Record<string, SlackExplanation>> = {
  is_archived: archived,
  // chat.update says so of a message in an archived channel.
  is_inactive: archived,
  not_in_channel: { what: "the app is not a member of the channel", remedy: invite },
  channel_not_found: {
    what: "Slack knows no such channel, or it is private and the app is not a member",
    remedy: `${invite} Or correct slack.channel in terraform/config.ts, the channel's id at the end of its link, and apply the stack \`delivery\`.`,
  },
  invalid_auth: refusedToken,
  not_authed: refusedToken,
  account_inactive: refusedToken,
  token_revoked: refusedToken,
  token_expired: refusedToken,
  expired_trigger_id: {
    what: "more than three seconds had passed since the click",
    remedy: "Click again.",
  },
  invalid_attachments: refusedContent,
  invalid_blocks: refusedContent,
  invalid_blocks_format: refusedContent,
  msg_blocks_too_long: refusedContent,
  msg_too_long: refusedContent,
  restricted_action: restricted,
  restricted_action_read_only_channel: restricted,
  restricted_action_thread_only_channel: restricted,
  ratelimited: { what: "Slack limits the app's calls for a while", remedy: waits },
};

/**
 * What an error means that Slack names in its response.
 * @param needed of missing_scope: the scope
 */
export const explainSlackErrorName = (error: string, needed: string | undefined): SlackExplanation => {
  if (error === "missing_scope")
    return {
      what: `the app lacks the scope ${needed ?? "of this call"}`,
      remedy: "Add it to the Slack app, reinstall the app, and set SLACK_BOT_TOKEN to the new token.",
    };
  return (
    getOwnProperty(explanations, error) ?? {
      what: `Slack says ${error}`,
      remedy: "`slipway doctor slack` checks the token, its scopes and the channel.",
    }
  );
};
