import * as z from "zod";
import { callSlack, type SlackNeeds } from "./call-slack.ts";
import type { DoctorFinding } from "./finding.ts";

const AuthTest = z.object({ bot_id: z.string() });
const BotsInfo = z.object({ bot: z.object({ app_id: z.string() }) });

/**
 * Checks that the token is of the configured app: callbacks of another one are refused. auth.test does not name the app.
 * https://docs.slack.dev/reference/methods/bots.info
 */
export const checkSlackApp = async (needs: SlackNeeds, appId: string): Promise<DoctorFinding | undefined> => {
  const auth = await callSlack(needs, "auth.test");
  if (!auth?.ok) return undefined;
  const { bot_id: bot } = AuthTest.parse(auth);
  const response = await callSlack(needs, "bots.info", { bot });
  if (response === undefined) return undefined;
  if (!response.ok)
    return {
      status: "warning",
      sentence: `Whether the token is of the app ${appId} is not known: Slack says ${(response.error ?? "").slice(0, 60)}.`,
      remedy: "Add the scope users:read to the Slack app and reinstall it.",
    };
  const actual = BotsInfo.parse(response).bot.app_id;
  return actual === appId
    ? { status: "ok", sentence: `The bot's token is of the configured app ${appId}.` }
    : {
        status: "missing",
        sentence: `The bot's token is of the app ${actual}, but callbacks of ${appId} alone are accepted.`,
        remedy:
          "Set SLACK_BOT_TOKEN to the token of that app; or correct slack.appId in terraform/config.ts and apply the stack `delivery`.",
      };
};
