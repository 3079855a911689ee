import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { handlerEnvironment } from "#test/support/handler-environment.ts";
import { sentinelSecrets } from "#test/support/sentinel-secrets.ts";
import { policyYaml } from "#test/support/toy-model.ts";
import { writePolicy } from "#test/support/write-policy.ts";
import { createSigningKey } from "./create-signing-key.ts";
import { createTable } from "./create-table.ts";
import { motoClientConfig } from "./moto.ts";

/** The secrets that steps read; tests search logs for their values. */
const secretParameters = {
  SLACK_BOT_TOKEN: sentinelSecrets.slackToken,
  SLACK_SIGNING_SECRET: sentinelSecrets.signingSecret,
  SLACK_CLIENT_SECRET: sentinelSecrets.clientSecret,
  CONSOLE_SESSION_KEY: sentinelSecrets.sessionKey,
  GITHUB_TOKEN: sentinelSecrets.gitHubToken,
  GITHUB_WEBHOOK_SECRET: sentinelSecrets.webhookSecret,
};

/**
 * Creates the tooling account's resources for the functions of `handlerEnvironment`: table, keys, bucket and secrets.
 * `signer`: the ARN of the builds' signing key.
 */
export const prepareDeliveryAccount = async (endpoint: string): Promise<{ readonly signer: string }> => {
  const dynamodb = new DynamoDBClient(motoClientConfig(endpoint));
  const table = handlerEnvironment.DELIVERY_TABLE;
  await createTable(dynamodb, table);
  await writePolicy(createDynamoDbStore({ client: dynamodb, table, clock: Date.now }), policyYaml);
  dynamodb.destroy();
  const kms = new KMSClient(motoClientConfig(endpoint));
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
  await kms.send(
    new CreateAliasCommand({ AliasName: handlerEnvironment.CIPHER_KEY, TargetKeyId: KeyMetadata?.KeyId }),
  );
  const signer = await createSigningKey(kms);
  kms.destroy();
  const s3 = new S3Client({ ...motoClientConfig(endpoint), forcePathStyle: true });
  await s3.send(
    new CreateBucketCommand({
      Bucket: handlerEnvironment.PROVENANCE_BUCKET,
      CreateBucketConfiguration: { LocationConstraint: handlerEnvironment.AWS_REGION },
    }),
  );
  await s3.send(
    new CreateBucketCommand({
      Bucket: handlerEnvironment.AUDIT_BUCKET,
      CreateBucketConfiguration: { LocationConstraint: handlerEnvironment.AWS_REGION },
      ObjectLockEnabledForBucket: true,
    }),
  );
  s3.destroy();
  const ssm = new SSMClient(motoClientConfig(endpoint));
  for (const [name, Value] of Object.entries(secretParameters))
    await ssm.send(
      new PutParameterCommand({
        Name: `${handlerEnvironment.SECRETS_PREFIX}${name}`,
        Value,
        Type: "SecureString",
      }),
    );
  ssm.destroy();
  return { signer };
};
