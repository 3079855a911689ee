import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SSMClient } from "@aws-sdk/client-ssm";
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
import { Env } from "./env.ts";
import { requestApproval } from "./request-approval.ts";

const env = readEnv(Env);
const clock = Date.now;
const secrets = cacheSecrets(
  createSsmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }),
  clock,
);
const store = createDynamoDbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const machine = { client: new SFNClient({}), stateMachineArn: env.STATE_MACHINE_ARN };
const deliveries = createStepFunctionsDeliveries(machine);
const source = createSource(env, secrets);
const policy = createPlatformPolicy({ store });

export const handler = createStepHandler(
  "request-approval",
  requestApproval({
    approvals: createAwsApprovals({ env, store, deliveries }),
    claims: createClaims({ store }),
    ledger: createLedger({ store }),
    messages: createSlackMessages({ env, secrets, store, clock }),
    ...{ source, policy },
    approversFor: createApproverResolver({ env, source, store, policy, secrets, clock }),
    clock,
  }),
);
