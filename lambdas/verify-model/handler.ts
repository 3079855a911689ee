import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ECRClient } from "@aws-sdk/client-ecr";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { claims } from "#domain/claims/claims.ts";
import { ledger } from "#domain/ledger/ledger.ts";
import { platformPolicy } from "#domain/policy/platform-policy.ts";
import { ecrRepository } from "#platform/images/ecr.ts";
import { keptSecrets } from "#platform/secrets/kept-secrets.ts";
import { ssmSecrets } from "#platform/secrets/ssm.ts";
import { dynamodbStore } from "#platform/store/dynamodb.ts";
import { Subject } from "#statemachine/contracts.ts";
import { countVerdicts } from "#worlds/aws/count-verdicts.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { stageServing } from "#worlds/aws/serving-of.ts";
import { sourceOf } from "#worlds/aws/source-of.ts";
import { stepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { verifyModel } from "./verify-model.ts";

const env = readEnv(Env);
const clock = Date.now;
const sts = new STSClient({});
const secrets = keptSecrets(ssmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }), clock);
const store = dynamodbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const source = sourceOf(env, secrets);
const images = ecrRepository({ ecr: new ECRClient({}), repository: env.IMAGE_REPOSITORY });
const policy = platformPolicy({ store });
const needs = { images, source, policy, ledger: ledger({ store }), claims: claims({ store }) };

export const handler = stepHandler(
  "verify-model",
  (event: unknown) => {
    const session = Subject.parse(event).delivery;
    return verifyModel({ ...needs, serving: { stage: stageServing({ env, sts, session, clock }) } })(event);
  },
  { environment: "stage", counted: countVerdicts("GateVerdicts", env) },
);
