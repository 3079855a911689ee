import { allow, type Statement } from "./statement.ts";

/** Partitions of the deliveries' table that hold the platform's policy; domain/policy/platform-policy.ts names them. */
export const policyPartitions = ["policy", "policy-*"];

/** IAM's variable for the caller; Terraform would take one dollar sign for its own. */
const ownSignaturesPartition = "policy-signed#$${aws:userid}";

/**
 * What whoever changes the platform's policy may do: read the table, and write the policy's ledger, proposals and her own
 * signatures. A signature lies in a partition that bears its writer's `aws:userid`, so that nobody signs for another.
 * Nothing is ever deleted, and no entry of the ledger may be given a time at which it is gone: hidden ones would leave an
 * older revision in force.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
 */
export const createOperatorPermissions = ({
  table,
  outputs,
}: {
  /** ARNs. */
  readonly table: string;
  readonly outputs: string;
}): readonly Statement[] => [
  allow(["dynamodb:GetItem", "dynamodb:Query"], [table]),
  allow(["dynamodb:UpdateItem"], [table], {
    "ForAllValues:StringEquals": {
      "dynamodb:LeadingKeys": ["policy"],
      "dynamodb:Attributes": ["pk", "sk", "value", "version", "write"],
    },
    // Without a key there is nothing to compare, and "for all" holds of nothing.
    Null: { "dynamodb:LeadingKeys": "false", "dynamodb:Attributes": "false" },
  }),
  allow(["dynamodb:UpdateItem"], [table], {
    "ForAllValues:StringEquals": {
      "dynamodb:LeadingKeys": ["policy-proposals", ownSignaturesPartition],
    },
    Null: { "dynamodb:LeadingKeys": "false" },
  }),
  allow(["ssm:GetParameter"], [outputs]),
];
