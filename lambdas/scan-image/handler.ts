import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ECRClient } from "@aws-sdk/client-ecr";
import { SSMClient } from "@aws-sdk/client-ssm";
import { createLedger } from "#domain/ledger/ledger.ts";
import { createPlatformPolicy } from "#domain/policy/platform-policy.ts";
import { createEcrRepository } from "#platform/images/ecr.ts";
import { cacheSecrets } from "#platform/secrets/cached-secrets.ts";
import { createSsmSecrets } from "#platform/secrets/ssm.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createSource } from "#worlds/aws/source.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { scanImage } from "./scan-image.ts";

const env = readEnv(Env);
const clock = Date.now;
const secrets = cacheSecrets(
  createSsmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }),
  clock,
);
const store = createDynamoDbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const source = createSource(env, secrets);
const policy = createPlatformPolicy({ store });
const images = createEcrRepository({ ecr: new ECRClient({}), repository: env.IMAGE_REPOSITORY });

export const handler = createStepHandler(
  "scan-image",
  scanImage({ images, source, policy, ledger: createLedger({ store }), clock }),
);
