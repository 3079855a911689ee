import * as z from "zod";
import type { Secrets } from "#platform/secrets/secrets.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";

const AuthTestResponse = z.object({
  ok: z.boolean(),
  error: z.string().optional(),
  team_id: z.string().optional(),
  team: z.string().optional(),
});

/** Checks that Slack accepts the bot's token, and that it is of the right workspace. https://docs.slack.dev/reference/methods/auth.test */
export const checkSlack = async (
  needs: { readonly secrets: Secrets; readonly fetch: typeof fetch },
  {
    SLACK_API_URL = "https://slack.com/api/",
    SLACK_TEAM_ID,
  }: Pick<AwsOutputs, "SLACK_API_URL" | "SLACK_TEAM_ID">,
): Promise<DoctorFinding> => {
  const token = await needs.secrets.read("SLACK_BOT_TOKEN");
  const remedy = "Install the app in the workspace and set SLACK_BOT_TOKEN to its bot token (xoxb-…).";
  const response = await needs.fetch(`${SLACK_API_URL}auth.test`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(10_000),
  });
  const { ok, error, team_id, team } = AuthTestResponse.parse(await response.json());
  if (!ok)
    return {
      status: "missing",
      sentence: `Slack refuses the bot's token: ${(error ?? "").slice(0, 60)}.`,
      remedy,
    };
  return team_id === SLACK_TEAM_ID
    ? { status: "ok", sentence: `Slack accepts the bot's token, for the workspace ${team ?? team_id}.` }
    : {
        status: "missing",
        sentence: `The bot's token is of the workspace ${team_id}, but approvals go to ${SLACK_TEAM_ID}.`,
        remedy,
      };
};
