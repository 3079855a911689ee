import type { Secrets } from "#platform/secrets/secrets.ts";
import { createSlackClient } from "#slack/slack-client.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";

type Needs = {
  readonly env: GroupVariables<"slack">;
  readonly secrets: Secrets;
  readonly clock: () => number;
};

/** Slack's Web API as this app, at the address that the environment names. */
export const createSlack = ({ env, secrets, clock }: Needs) =>
  createSlackClient({ secrets, apiUrl: env.SLACK_API_URL, clock });
