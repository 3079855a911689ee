import { WebClient } from "@slack/web-api";
import type { Secrets } from "#platform/secrets/secrets.ts";
import { slackClientOptions } from "./slack-channel.ts";

/**
 * The calls of Slack's Web API that say who belongs to a workspace and to its user groups, with the secret
 * SLACK_BOT_TOKEN.
 * @param apiUrl another URL of the Web API, with a final slash
 */
export const createSlackDirectory = ({
  secrets,
  apiUrl,
}: {
  readonly secrets: Secrets;
  readonly apiUrl?: string | undefined;
}) => {
  const web = new WebClient(undefined, {
    ...slackClientOptions,
    ...(apiUrl === undefined ? {} : { slackApiUrl: apiUrl }),
  });
  const token = () => secrets.read("SLACK_BOT_TOKEN");
  return {
    usergroups: {
      users: {
        list: async (options: { usergroup: string; include_disabled: boolean }) =>
          web.usergroups.users.list({ ...options, token: await token() }),
      },
    },
    users: {
      info: async (options: { user: string }) => web.users.info({ ...options, token: await token() }),
    },
  };
};
