import { SqsQueue } from "@cdktn/provider-aws/lib/sqs-queue/index.js";
import { SqsQueuePolicy } from "@cdktn/provider-aws/lib/sqs-queue-policy/index.js";
import { Construct } from "constructs";
import { denyWithoutTls, toPolicyJson } from "../../permissions/statement.ts";

type Needs = {
  readonly name: string;
  /** ARN of the key that encrypts messages. */
  readonly key: string;
  /** ARN patterns (`*`) of EventBridge rules that send their undelivered events here. */
  readonly rules?: readonly string[];
};

/** A queue for events that could not be processed: kept for 14 days, with an alarm. */
export const addDeadLetterQueue = (
  scope: Construct,
  id: string,
  { name, key, rules = [] }: Needs,
): SqsQueue => {
  const place = new Construct(scope, id);
  const queue = new SqsQueue(place, "queue", {
    name,
    kmsMasterKeyId: key,
    messageRetentionSeconds: 14 * 24 * 3_600,
  });
  new SqsQueuePolicy(place, "policy", {
    queueUrl: queue.id,
    policy: toPolicyJson([
      denyWithoutTls("sqs:*", queue.arn),
      ...(rules.length === 0
        ? []
        : [
            {
              Effect: "Allow" as const,
              Principal: { Service: "events.amazonaws.com" },
              Action: "sqs:SendMessage",
              Resource: queue.arn,
              Condition: { ArnLike: { "aws:SourceArn": rules } },
            },
          ]),
    ]),
  });
  return queue;
};
