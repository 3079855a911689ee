import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SSMClient } from "@aws-sdk/client-ssm";
import { createClaims } from "#domain/claims/claims.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { createS3Artifacts } from "#platform/registry/mlflow/s3-artifacts.ts";
import { cacheSecrets } from "#platform/secrets/cached-secrets.ts";
import { createSsmSecrets } from "#platform/secrets/ssm.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createAwsProvenanceStore } from "#worlds/aws/provenance-store.ts";
import { createRegistry } from "#worlds/aws/registry.ts";
import { createSource } from "#worlds/aws/source.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { registerModel } from "./register-model.ts";

const env = readEnv(Env);
const clock = Date.now;
const secrets = cacheSecrets(
  createSsmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }),
  clock,
);
const store = createDynamoDbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const source = createSource(env, secrets);
const s3 = createS3Artifacts(new S3Client({}));
const registry = createRegistry(env, clock, s3);

export const handler = createStepHandler(
  "register-model",
  registerModel({
    registry,
    source,
    ledger: createLedger({ store }),
    claims: createClaims({ store }),
    provenance: createAwsProvenanceStore(env),
    builder: async () => env.BUILDER_DIGEST,
  }),
);
