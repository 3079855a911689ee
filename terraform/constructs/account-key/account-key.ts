import { KmsAlias } from "@cdktn/provider-aws/lib/kms-alias/index.js";
import { KmsKey } from "@cdktn/provider-aws/lib/kms-key/index.js";
import { Construct } from "constructs";
import { allowAny, type Statement, toPolicyJson } from "../../permissions/statement.ts";

type Needs = {
  readonly account: string;
  readonly region: string;
  /** `slipway`: the alias is `alias/slipway`. */
  readonly alias: string;
  readonly description: string;
  /** AWS services that use the key on behalf of their callers: `dynamodb`, `s3` … */
  readonly services?: readonly string[];
  /** Additional statements; their resource is `*`, which in a key's policy means this key. */
  readonly more?: readonly Statement[];
};

const dataActions = [
  "kms:Encrypt",
  "kms:Decrypt",
  "kms:ReEncrypt*",
  "kms:GenerateDataKey*",
  "kms:DescribeKey",
];

/**
 * A KMS key with yearly rotation. Callers with access to a table may use the key through DynamoDB and only there:
 * AWS's managed keys have the same policy. CloudWatch Logs may use it only for log groups of this account.
 * https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
 */
export const addAccountKey = (scope: Construct, id: string, needs: Needs): KmsKey => {
  const { account, region, services = [] } = needs;
  const place = new Construct(scope, id);
  const own = "KeyPoliciesNameTheirOwnKey";
  const statements: readonly Statement[] = [
    { ...allowAny(own, ["kms:*"]), Principal: { AWS: `arn:aws:iam::${account}:root` } },
    ...(services.length === 0
      ? []
      : [
          {
            ...allowAny(own, [...dataActions, "kms:CreateGrant"], {
              StringEquals: {
                "kms:CallerAccount": account,
                "kms:ViaService": services.map((service) => `${service}.${region}.amazonaws.com`),
              },
            }),
            Principal: { AWS: "*" },
          },
          {
            ...allowAny(own, dataActions, {
              ArnLike: {
                "kms:EncryptionContext:aws:logs:arn": `arn:aws:logs:${region}:${account}:log-group:*`,
              },
            }),
            Principal: { Service: `logs.${region}.amazonaws.com` },
          },
        ]),
    ...(needs.more ?? []),
  ];
  const key = new KmsKey(place, "key", {
    description: needs.description,
    enableKeyRotation: true,
    deletionWindowInDays: 30,
    // Statement ids must be unique within a policy.
    policy: toPolicyJson(
      statements.map((statement, index) =>
        index === 0 ? statement : { ...statement, Sid: `${statement.Sid}${index}` },
      ),
    ),
  });
  new KmsAlias(place, "alias", { name: `alias/${needs.alias}`, targetKeyId: key.keyId });
  return key;
};
