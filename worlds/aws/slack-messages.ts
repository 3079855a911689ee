import type { LogWarning } from "#domain/delivery/log-warning.ts";
import { createDeliveryMessages, type DeliveryMessages } from "#domain/message/delivery-messages.ts";
import type { MessageState } from "#domain/message/message-state.ts";
import type { Secrets } from "#platform/secrets/secrets.ts";
import type { Store } from "#platform/store/store.ts";
import { renderMessageBlocks } from "#slack/message-blocks.ts";
import { createSlackChannel } from "#slack/slack-channel.ts";
import { createDeliveryPage } from "./delivery-page.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";
import { warn as logWarning } from "./log-warning.ts";
import { createSlack } from "./slack.ts";

type Needs = {
  readonly env: GroupVariables<"slack"> & GroupVariables<"deliveries">;
  readonly secrets: Secrets;
  readonly store: Store;
  readonly clock: () => number;
  /** Reports that Slack did not accept a message; a function writes it to its log. */
  readonly warn?: LogWarning;
};

/** The deliveries' messages, in the channel that the environment names, each linked to its page. */
export const createSlackMessages = ({
  env,
  secrets,
  store,
  clock,
  warn = logWarning,
}: Needs): DeliveryMessages => {
  const page = createDeliveryPage(env);
  const channel = createSlackChannel<MessageState>({
    slack: createSlack({ env, secrets, clock }),
    channel: env.SLACK_CHANNEL,
    render: (state, form) => renderMessageBlocks(state, page(state.delivery), form),
    warn,
  });
  return createDeliveryMessages({ store, channel, clock, warn });
};
