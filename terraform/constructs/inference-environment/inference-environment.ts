import type { DynamodbTable } from "@cdktn/provider-aws/lib/dynamodb-table/index.js";
import { IamRole } from "@cdktn/provider-aws/lib/iam-role/index.js";
import { IamRolePolicy } from "@cdktn/provider-aws/lib/iam-role-policy/index.js";
import { Fn } from "cdktn";
import { Construct } from "constructs";
import type { Environment } from "../../../platform/serving/serving.ts";
import { allowReadParameters } from "../../permissions/allow-read-parameters.ts";
import { createEnvironmentPermissions } from "../../permissions/environment-permissions.ts";
import { allow, toPolicyJson } from "../../permissions/statement.ts";
import type { EnvironmentConfig } from "../../read-config.ts";
import type { ResourceNames } from "../../resource-names.ts";
import { suppressFindings } from "../../suppress-findings.ts";
import { addPrivateBucket } from "../private-bucket/private-bucket.ts";
import { addSecretParameter } from "../secret-parameter/secret-parameter.ts";
import { addStoreTable } from "../store-table/store-table.ts";

type Needs = {
  readonly environment: Environment;
  readonly config: EnvironmentConfig;
  readonly names: ResourceNames;
  readonly tooling: string;
  readonly operators: readonly string[];
  /** Functions that the configuration does not have. */
  readonly absentCallers: readonly string[];
  /** ARN of the account's key. */
  readonly key: string;
  readonly httpApiId: string;
};

/**
 * The resources that all inference functions of an environment share: table and bucket of the records, their role, and a
 * role for each caller from tooling. Deliveries create the functions themselves.
 */
export const addInferenceEnvironment = (scope: Construct, id: string, needs: Needs) => {
  const { environment, config, names, key } = needs;
  const { account, region, protectData: protect } = config;
  const place = new Construct(scope, id);
  const table: DynamodbTable = addStoreTable(place, "records", {
    name: names.recordsTable(environment),
    key,
    protect,
  });
  const bucket = addPrivateBucket(place, "blobs", {
    name: names.recordsBucket(environment),
    key,
    protect,
    expireDays: 400,
  });

  // 64 bytes in base64, derived from four random ids.
  const hashKey = addSecretParameter(place, "hash-key", {
    name: names.recordsHashKey(environment),
    description: "What records hash inputs under; another value makes equal rows look different",
    key,
    value: Fn.base64sha512(Fn.join("", [Fn.uuid(), Fn.uuid(), Fn.uuid(), Fn.uuid()])),
  });

  const inference = new IamRole(place, "inference", {
    name: names.inferenceRole(environment),
    description: `What every inference function of ${environment} may do`,
    assumeRolePolicy: toPolicyJson([
      {
        Effect: "Allow",
        Principal: { Service: "lambda.amazonaws.com" },
        Action: "sts:AssumeRole",
      },
    ]),
  });
  new IamRolePolicy(place, "inference-policy", {
    name: "calls",
    role: inference.id,
    policy: toPolicyJson([
      allow(
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        [`arn:aws:logs:${region}:${account}:log-group:/aws/lambda/slipway-${environment}-*`],
      ),
      allow(
        ["GetItem", "Query", "UpdateItem", "PutItem", "BatchWriteItem"].map((name) => `dynamodb:${name}`),
        [table.arn],
      ),
      allow(["s3:GetObject", "s3:PutObject"], [`${bucket.arn}/*`]),
      // Without it, a missing object is AccessDenied instead of NoSuchKey.
      allow(["s3:ListBucket"], [bucket.arn]),
      ...allowReadParameters([hashKey.arn], { region, key }),
    ]),
  });

  const permissions = createEnvironmentPermissions({
    environment,
    region,
    account,
    inferenceRole: inference.arn,
    httpApiId: needs.httpApiId,
    imageRepository: names.imageRepositoryArn,
  });
  const callers = new Construct(place, "callers");
  for (const [caller, statements] of Object.entries(permissions)) {
    const principals = caller === "operator" ? needs.operators : [names.functionRoleArn(caller)];
    if (principals.length === 0 || needs.absentCallers.includes(caller)) continue;
    const role = new IamRole(callers, caller, {
      name: names.callerRole(environment, caller),
      description: `What tooling's ${caller} may do on ${environment}`,
      // Trusts the account with a condition on the role, so that the trust survives a re-creation of the role.
      assumeRolePolicy: toPolicyJson([
        {
          Effect: "Allow",
          Principal: { AWS: `arn:aws:iam::${needs.tooling}:root` },
          Action: "sts:AssumeRole",
          Condition: {
            StringEquals: { "sts:ExternalId": config.externalId },
            ArnLike: { "aws:PrincipalArn": principals },
          },
        },
      ]),
      maxSessionDuration: 3_600,
    });
    suppressFindings(role, {
      CKV_AWS_61: "the condition restricts the trust to one role",
    });
    new IamRolePolicy(callers, `${caller}-policy`, {
      name: "calls",
      role: role.id,
      policy: toPolicyJson(statements),
    });
  }
  return { table, bucket };
};
