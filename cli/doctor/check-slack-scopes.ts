import { callSlack, type SlackNeeds } from "./call-slack.ts";
import type { DoctorFinding } from "./finding.ts";

/** What the app's token needs, each as the scopes of which one is enough, and what for. */
export const neededScopes = [
  { scopes: ["chat:write"], what: "post and edit the deliveries' messages" },
  {
    scopes: ["channels:history", "groups:history"],
    what: "find a message that an interrupted step left (groups:history for a private channel)",
  },
  { scopes: ["users:read"], what: "read approvers' profiles" },
  { scopes: ["users:read.email"], what: "read their addresses, without which nobody can approve" },
] as const;

/**
 * Checks the scopes of the bot's token, which Slack returns with each response.
 * https://docs.slack.dev/authentication/installing-with-oauth
 */
export const checkSlackScopes = async (needs: SlackNeeds): Promise<DoctorFinding | undefined> => {
  const response = await callSlack(needs, "auth.test");
  if (!response?.ok) return undefined;
  const { scopes } = response;
  if (scopes === undefined)
    return {
      status: "warning",
      sentence: "Slack did not return the scopes of the bot's token.",
      remedy: `Check that the app has ${neededScopes.map((each) => each.scopes.join(" or ")).join(", ")}.`,
    };
  const missing = neededScopes.filter((needed) => !needed.scopes.some((scope) => scopes.includes(scope)));
  return missing.length === 0
    ? { status: "ok", sentence: `The bot's token has the scopes that it needs: ${scopes.join(", ")}.` }
    : {
        status: "missing",
        sentence: `The bot's token lacks ${missing.map((each) => `${each.scopes.join(" or ")} (to ${each.what})`).join(", ")}.`,
        remedy:
          "Add it to the Slack app under OAuth & Permissions, Bot Token Scopes, reinstall the app, and set SLACK_BOT_TOKEN to the new token.",
      };
};
