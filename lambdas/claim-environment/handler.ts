import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SSMClient } from "@aws-sdk/client-ssm";
import { assertApprovable } from "#domain/approval/assert-approvable.ts";
import { createClaims } from "#domain/claims/claims.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { createPlatformPolicy } from "#domain/policy/platform-policy.ts";
import { createStepFunctionsDeliveries } from "#platform/deliveries/step-functions.ts";
import { cacheSecrets } from "#platform/secrets/cached-secrets.ts";
import { createSsmSecrets } from "#platform/secrets/ssm.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { createAwsApprovals } from "#worlds/aws/approvals.ts";
import { createApproverResolver } from "#worlds/aws/approver-resolver.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createSlackMessages } from "#worlds/aws/slack-messages.ts";
import { createSource } from "#worlds/aws/source.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { claimEnvironment } from "./claim-environment.ts";
import { Env } from "./env.ts";

const env = readEnv(Env);
const clock = Date.now;
const secrets = cacheSecrets(
  createSsmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }),
  clock,
);
const store = createDynamoDbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const stateMachineArn = env.STATE_MACHINE_ARN;
const deliveries = createStepFunctionsDeliveries({ client: new SFNClient({}), stateMachineArn });
const source = createSource(env, secrets);
const policy = createPlatformPolicy({ store });
const approversFor = createApproverResolver({ env, source, store, policy, secrets, clock });

export const handler = createStepHandler(
  "claim-environment",
  claimEnvironment({
    claims: createClaims({ store }),
    ledger: createLedger({ store }),
    approvals: createAwsApprovals({ env, store, deliveries }),
    messages: createSlackMessages({ env, secrets, store, clock }),
    assertApprovable: assertApprovable({ source, policy, ledger: createLedger({ store }), approversFor }),
    clock,
  }),
);
