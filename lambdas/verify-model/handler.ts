import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ECRClient } from "@aws-sdk/client-ecr";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { createClaims } from "#domain/claims/claims.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { createPlatformPolicy } from "#domain/policy/platform-policy.ts";
import { createEcrRepository } from "#platform/images/ecr.ts";
import { cacheSecrets } from "#platform/secrets/cached-secrets.ts";
import { createSsmSecrets } from "#platform/secrets/ssm.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { Subject } from "#statemachine/contracts.ts";
import { countVerdicts } from "#worlds/aws/count-verdicts.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createStageServing } from "#worlds/aws/serving.ts";
import { createSource } from "#worlds/aws/source.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { verifyModel } from "./verify-model.ts";

const env = readEnv(Env);
const clock = Date.now;
const sts = new STSClient({});
const secrets = cacheSecrets(
  createSsmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }),
  clock,
);
const store = createDynamoDbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const source = createSource(env, secrets);
const images = createEcrRepository({ ecr: new ECRClient({}), repository: env.IMAGE_REPOSITORY });
const policy = createPlatformPolicy({ store });
const needs = { images, source, policy, ledger: createLedger({ store }), claims: createClaims({ store }) };

export const handler = createStepHandler(
  "verify-model",
  (event: unknown) => {
    const session = Subject.parse(event).delivery;
    return verifyModel({ ...needs, serving: { stage: createStageServing({ env, sts, session, clock }) } })(
      event,
    );
  },
  { environment: "stage", counted: countVerdicts("GateVerdicts", env) },
);
