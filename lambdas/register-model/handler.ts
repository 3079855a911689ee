import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SSMClient } from "@aws-sdk/client-ssm";
import { claims } from "#domain/claims/claims.ts";
import { ledger } from "#domain/ledger/ledger.ts";
import { s3Artifacts } from "#platform/registry/mlflow/s3-artifacts.ts";
import { keptSecrets } from "#platform/secrets/kept-secrets.ts";
import { ssmSecrets } from "#platform/secrets/ssm.ts";
import { dynamodbStore } from "#platform/store/dynamodb.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { provenanceOf } from "#worlds/aws/provenance-of.ts";
import { registryOf } from "#worlds/aws/registry-of.ts";
import { sourceOf } from "#worlds/aws/source-of.ts";
import { stepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { registerModel } from "./register-model.ts";

const env = readEnv(Env);
const clock = Date.now;
const secrets = keptSecrets(ssmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }), clock);
const store = dynamodbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const source = sourceOf(env, secrets);
const s3 = s3Artifacts(new S3Client({}));
const registry = registryOf(env, clock, s3);

export const handler = stepHandler(
  "register-model",
  registerModel({
    registry,
    source,
    ledger: ledger({ store }),
    claims: claims({ store }),
    provenance: provenanceOf(env),
    builder: async () => env.BUILDER_DIGEST,
  }),
);
