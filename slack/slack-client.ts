import { WebClient } from "@slack/web-api";
import type { Secrets } from "#platform/secrets/secrets.ts";
import { type SlackApi, slackClientOptions } from "./slack-channel.ts";

/**
 * Slack's Web API under the secret SLACK_BOT_TOKEN. It is read when something is said, so that a function whose token
 * is missing still does all that is not Slack.
 * @param apiUrl another address of the Web API, with a slash at the end
 */
export const createSlackClient = ({
  secrets,
  apiUrl,
}: {
  readonly secrets: Secrets;
  readonly apiUrl?: string | undefined;
}): SlackApi => {
  const web = new WebClient(undefined, {
    ...slackClientOptions,
    ...(apiUrl === undefined ? {} : { slackApiUrl: apiUrl }),
  });
  const token = () => secrets.read("SLACK_BOT_TOKEN");
  return {
    chat: {
      postMessage: async (given) => web.chat.postMessage({ ...given, token: await token() }),
      update: async (given) => web.chat.update({ ...given, token: await token() }),
      postEphemeral: async (given) => web.chat.postEphemeral({ ...given, token: await token() }),
    },
    conversations: {
      history: async (given) => web.conversations.history({ ...given, token: await token() }),
    },
    views: { open: async (given) => web.views.open({ ...given, token: await token() }) },
    users: { info: async (given) => web.users.info({ ...given, token: await token() }) },
  };
};
