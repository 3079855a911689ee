import type { Warn } from "#domain/delivery/warn.ts";
import type { MessageState } from "#domain/message/message-state.ts";
import { type Messages, messages } from "#domain/message/messages.ts";
import type { Secrets } from "#platform/secrets/secrets.ts";
import type { Store } from "#platform/store/store.ts";
import { messageBlocks } from "#slack/message-blocks.ts";
import { slackChannel } from "#slack/slack-channel.ts";
import { slackClient } from "#slack/slack-client.ts";
import type { Variables } from "./environment/environment-parts.ts";
import { executionPage } from "./execution-page.ts";
import { warn as logged } from "./warn.ts";

type Needs = {
  readonly env: Variables<"slack"> & Variables<"deliveries">;
  readonly secrets: Secrets;
  readonly store: Store;
  readonly clock: () => number;
  /** Who is told that Slack did not take a message; a function writes it to its log. */
  readonly warn?: Warn;
};

/** The deliveries' messages, in the channel that the environment names, each linked to its execution. */
export const slackMessages = ({ env, secrets, store, clock, warn = logged }: Needs): Messages => {
  const page = executionPage(env.STATE_MACHINE_ARN);
  const channel = slackChannel<MessageState>({
    slack: slackClient({ secrets, apiUrl: env.SLACK_API_URL }),
    channel: env.SLACK_CHANNEL,
    render: (state) => messageBlocks(state, page(state.delivery)),
  });
  return messages({ store, channel, clock, warn });
};
