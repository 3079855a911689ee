import { CloudwatchEventBus } from "@cdktn/provider-aws/lib/cloudwatch-event-bus/index.js";
import { CloudwatchEventRule } from "@cdktn/provider-aws/lib/cloudwatch-event-rule/index.js";
import { CloudwatchEventTarget } from "@cdktn/provider-aws/lib/cloudwatch-event-target/index.js";
import { SnsTopic } from "@cdktn/provider-aws/lib/sns-topic/index.js";
import { SnsTopicPolicy } from "@cdktn/provider-aws/lib/sns-topic-policy/index.js";
import { Construct } from "constructs";
import { eventSource } from "../../../platform/events/events.ts";
import { denyWithoutTls, toPolicyJson } from "../../permissions/statement.ts";
import type { ResourceNames } from "../../resource-names.ts";

type Needs = {
  readonly names: ResourceNames;
  /** ARN of the account's key. */
  readonly key: string;
  /** ARN of the queue for events that the topic did not take. */
  readonly deadLetters: string;
};

/**
 * The bus of Slipway's events, and a rule that forwards each of them to an encrypted topic for e-mail and Slack. Other
 * subscribers add their own rules to the bus. It is not the account's default bus: there every role that may publish
 * anything could publish an event in Slipway's name.
 */
export const addEventBus = (
  scope: Construct,
  id: string,
  { names, key, deadLetters }: Needs,
): { readonly topic: SnsTopic; readonly bus: CloudwatchEventBus } => {
  const place = new Construct(scope, id);
  const bus = new CloudwatchEventBus(place, "bus", {
    name: names.eventBus,
    description: "Slipway's events: docs/events.md",
  });
  const topic = new SnsTopic(place, "topic", { name: names.eventTopic, kmsMasterKeyId: key });
  new SnsTopicPolicy(place, "topic-policy", {
    arn: topic.arn,
    policy: toPolicyJson([
      {
        // Without a condition, as AWS documents it for topics:
        // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions
        Sid: "EventBridge",
        Effect: "Allow",
        Principal: { Service: "events.amazonaws.com" },
        Action: "sns:Publish",
        Resource: topic.arn,
      },
      denyWithoutTls("sns:Publish", topic.arn),
    ]),
  });
  const rule = new CloudwatchEventRule(place, "rule", {
    name: "slipway-events",
    description: "Every event of Slipway, for the topic",
    eventBusName: bus.name,
    eventPattern: JSON.stringify({ source: [eventSource] }),
  });
  new CloudwatchEventTarget(place, "target", {
    rule: rule.name,
    eventBusName: bus.name,
    targetId: "topic",
    arn: topic.arn,
    retryPolicy: { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 },
    deadLetterConfig: { arn: deadLetters },
  });
  return { topic, bus };
};
