import { SqsQueue } from "@cdktn/provider-aws/lib/sqs-queue/index.js";
import { SqsQueuePolicy } from "@cdktn/provider-aws/lib/sqs-queue-policy/index.js";
import { Construct } from "constructs";
import { toPolicyJson } from "../../permissions/statement.ts";

type Needs = {
  readonly name: string;
  /** ARN of the key that messages lie under. */
  readonly key: string;
  /** ARNs, with `*`, of EventBridge rules whose undelivered events come here. */
  readonly rules?: readonly string[];
};

/** Where events go that nobody could take: kept for 14 days, seen by an alarm. */
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
      {
        Sid: "OnlyByTls",
        Effect: "Deny",
        Principal: "*",
        Action: "sqs:*",
        Resource: queue.arn,
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
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
