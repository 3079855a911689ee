import { readAppManifest } from "#slack/read-app-manifest.ts";
import { callSlack, type SlackNeeds } from "./call-slack.ts";
import type { DoctorFinding } from "./finding.ts";

/** In a private channel another scope does the same. */
const alternatives: ReadonlyMap<string, string> = new Map([["channels:history", "groups:history"]]);

const listAlternatives = (scope: string): readonly string[] => {
  const other = alternatives.get(scope);
  return other === undefined ? [scope] : [scope, other];
};

/** Needed by a console, and by groups of approvers, which checkApprover reports. */
const optionalScopes: ReadonlySet<string> = new Set(["usergroups:read"]);

/**
 * Compares the scopes of the bot's token, which Slack returns with each response, with those of docs/slack-app.yaml.
 * https://docs.slack.dev/authentication/installing-with-oauth
 */
export const checkSlackScopes = async (
  needs: SlackNeeds,
  hasConsole = false,
): Promise<DoctorFinding | undefined> => {
  const response = await callSlack(needs, "auth.test");
  if (!response?.ok) return undefined;
  const { scopes } = response;
  const needed = readAppManifest().scopes.map(({ scope, purpose }) => ({
    scopes: listAlternatives(scope),
    purpose,
  }));
  if (scopes === undefined)
    return {
      status: "warning",
      sentence: "Slack did not return the scopes of the bot's token.",
      remedy: `Check that the app has ${needed.map((each) => each.scopes.join(" or ")).join(", ")}.`,
    };
  const missing = needed.filter(
    ({ scopes: any }) =>
      !any.some((scope) => scopes.includes(scope) || (!hasConsole && optionalScopes.has(scope))),
  );
  const superfluous = scopes.filter((scope) => !needed.some((each) => each.scopes.includes(scope)));
  if (missing.length > 0)
    return {
      status: "missing",
      sentence: `The bot's token lacks ${missing.map((each) => `${each.scopes.join(" or ")} (to ${each.purpose})`).join(", ")}.`,
      remedy:
        "Add it to the Slack app under OAuth & Permissions, Bot Token Scopes, reinstall the app, and set SLACK_BOT_TOKEN to the new token.",
    };
  return superfluous.length === 0
    ? {
        status: "ok",
        sentence: `The bot's token has the scopes that it needs and no other: ${scopes.join(", ")}.`,
      }
    : {
        status: "warning",
        sentence: `The bot's token has the scopes that it needs, and others that Slipway does not use: ${superfluous.join(", ")}.`,
        remedy:
          "Remove them from the Slack app under OAuth & Permissions, Bot Token Scopes (docs/slack-app.yaml has what is needed), reinstall the app, and set SLACK_BOT_TOKEN to the new token.",
      };
};
