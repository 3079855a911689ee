import type { LambdaFunction } from "@cdktn/provider-aws/lib/lambda-function/index.js";
import { LambdaPermission } from "@cdktn/provider-aws/lib/lambda-permission/index.js";
import type { SnsTopic } from "@cdktn/provider-aws/lib/sns-topic/index.js";
import { SnsTopicSubscription } from "@cdktn/provider-aws/lib/sns-topic-subscription/index.js";
import { Construct } from "constructs";
import { detailTypes, type SlipwayEvent } from "../../../platform/events/events.ts";
import type { Accounts } from "../../read-config.ts";

type Needs = {
  readonly subscribers: Accounts["tooling"]["notifications"];
  /** Posts in Slack what it gets. */
  readonly notify: LambdaFunction;
  readonly alarms: SnsTopic;
  readonly events: SnsTopic;
};

/** SNS reads the event itself, which EventBridge puts into the message's body. */
const selectTypes = (types: readonly SlipwayEvent["type"][]) => ({
  filterPolicyScope: "MessageBody",
  filterPolicy: JSON.stringify({ "detail-type": types.map((type) => detailTypes[type]) }),
});

/**
 * Who gets alarms and events: Slack's channel by the function notify, and e-mail addresses, which also get the alarm that
 * notify failed.
 */
export const addNotifications = (scope: Construct, id: string, needs: Needs): void => {
  const { subscribers, notify, alarms, events } = needs;
  const place = new Construct(scope, id);
  const subscribe = (name: string, topic: SnsTopic, to: { protocol: string; endpoint: string }, more = {}) =>
    new SnsTopicSubscription(place, name, { topicArn: topic.arn, ...to, ...more });
  const slack = { protocol: "lambda", endpoint: notify.arn };
  const permit = (name: string, topic: SnsTopic) =>
    new LambdaPermission(place, `${name}-invoke`, {
      statementId: `slipway-${name}`,
      action: "lambda:InvokeFunction",
      functionName: notify.functionName,
      principal: "sns.amazonaws.com",
      sourceArn: topic.arn,
    });
  subscribe("alarms", alarms, slack);
  permit("alarms", alarms);
  if (subscribers.slack.length > 0) {
    subscribe("events", events, slack, selectTypes(subscribers.slack));
    permit("events", events);
  }
  for (const email of subscribers.emails) {
    const to = { protocol: "email", endpoint: email.address };
    // Named by the address, so that another order of the list replaces no subscription.
    const address = email.address.replace(/[^a-zA-Z0-9]/g, "-");
    if (email.alarms) subscribe(`alarms-${address}`, alarms, to);
    if (email.events.length > 0) subscribe(`events-${address}`, events, to, selectTypes(email.events));
  }
};
