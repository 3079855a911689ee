import { allow, type Statement } from "./statement.ts";

const freezesPartition = "freezes";

/**
 * Partitions in the deliveries' table that only operators write: the platform's policy (domain/policy/platform-policy.ts
 * defines them), and freezes (domain/changes/freezes.ts).
 */
export const policyPartitions = ["policy", "policy-*", freezesPartition];

/** IAM's variable for the caller; the dollar sign is escaped for Terraform. */
const ownSignaturesPartition = "policy-signed#$${aws:userid}";

/**
 * Permissions of operators, who change the platform's policy and freeze models: read the table, and write the policy's
 * ledger, proposals and their own signatures, and freezes. A signature's partition contains the `aws:userid` of its writer, so that nobody can sign for
 * someone else. Operators cannot delete items or set a ledger entry's expiry: without its last entry, an older revision
 * would be in force.
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
    // ForAllValues is true for a request without keys, so this requires that they are present.
    Null: { "dynamodb:LeadingKeys": "false", "dynamodb:Attributes": "false" },
  }),
  allow(["dynamodb:UpdateItem"], [table], {
    "ForAllValues:StringEquals": {
      "dynamodb:LeadingKeys": ["policy-proposals", ownSignaturesPartition, freezesPartition],
    },
    Null: { "dynamodb:LeadingKeys": "false" },
  }),
  allow(["ssm:GetParameter"], [outputs]),
];
