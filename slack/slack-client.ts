import { WebClient } from "@slack/web-api";
import type { Secrets } from "#platform/secrets/secrets.ts";
import { respectRateLimits } from "./respect-rate-limits.ts";
import { type SlackApi, slackClientOptions } from "./slack-channel.ts";

/**
 * Slack's Web API with the secret SLACK_BOT_TOKEN. Each call reads the secret, so that a function without the token still
 * does everything except Slack.
 * @param apiUrl another URL of the Web API, with a final slash
 * @param clock epoch milliseconds
 */
export const createSlackClient = ({
  secrets,
  apiUrl,
  clock,
}: {
  readonly secrets: Secrets;
  readonly apiUrl?: string | undefined;
  readonly clock: () => number;
}): SlackApi => {
  const web = new WebClient(undefined, {
    ...slackClientOptions,
    ...(apiUrl === undefined ? {} : { slackApiUrl: apiUrl }),
  });
  const token = () => secrets.read("SLACK_BOT_TOKEN");
  const api: SlackApi = {
    chat: {
      postMessage: async (options) => web.chat.postMessage({ ...options, token: await token() }),
      update: async (options) => web.chat.update({ ...options, token: await token() }),
      postEphemeral: async (options) => web.chat.postEphemeral({ ...options, token: await token() }),
    },
    conversations: {
      history: async (options) => web.conversations.history({ ...options, token: await token() }),
      replies: async (options) => web.conversations.replies({ ...options, token: await token() }),
    },
    views: { open: async (options) => web.views.open({ ...options, token: await token() }) },
    users: {
      info: async (options) => web.users.info({ ...options, token: await token() }),
      lookupByEmail: async (options) => web.users.lookupByEmail({ ...options, token: await token() }),
    },
    usergroups: {
      users: {
        list: async (options) => web.usergroups.users.list({ ...options, token: await token() }),
      },
    },
  };
  return respectRateLimits(api, clock);
};
