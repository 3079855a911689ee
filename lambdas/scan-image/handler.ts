import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ECRClient } from "@aws-sdk/client-ecr";
import { SSMClient } from "@aws-sdk/client-ssm";
import { ledger } from "#domain/ledger/ledger.ts";
import { platformPolicy } from "#domain/policy/platform-policy.ts";
import { ecrRepository } from "#platform/images/ecr.ts";
import { keptSecrets } from "#platform/secrets/kept-secrets.ts";
import { ssmSecrets } from "#platform/secrets/ssm.ts";
import { dynamodbStore } from "#platform/store/dynamodb.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { sourceOf } from "#worlds/aws/source-of.ts";
import { stepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { scanImage } from "./scan-image.ts";

const env = readEnv(Env);
const clock = Date.now;
const secrets = keptSecrets(ssmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }), clock);
const store = dynamodbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const source = sourceOf(env, secrets);
const policy = platformPolicy({ store });
const images = ecrRepository({ ecr: new ECRClient({}), repository: env.IMAGE_REPOSITORY });

export const handler = stepHandler(
  "scan-image",
  scanImage({ images, source, policy, ledger: ledger({ store }), clock }),
);
