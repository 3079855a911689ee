import { randomBytes } from "node:crypto";
import { ApiGatewayV2Client, CreateApiCommand } from "@aws-sdk/client-apigatewayv2";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  CreateRepositoryCommand,
  ECRClient,
  PutImageCommand,
  StartImageScanCommand,
} from "@aws-sdk/client-ecr";
import { CreateEventBusCommand, EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateStateMachineCommand, SFNClient } from "@aws-sdk/client-sfn";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { nameResources } from "#terraform/resource-names.ts";
import { listResources, type SynthesizedStacks } from "#test/infrastructure/synth-stacks.ts";
import { readResourceValue } from "#test/infrastructure/terraform-values.ts";
import { actInAccount } from "#test/peers/act-in-account.ts";
import { createRole } from "#test/peers/create-role.ts";
import { createSigningKey } from "#test/peers/create-signing-key.ts";
import { createTable } from "#test/peers/create-table.ts";
import { sentinelSecrets } from "#test/support/sentinel-secrets.ts";
import { policyYaml } from "#test/support/toy-model.ts";
import { writePolicy } from "#test/support/write-policy.ts";

/** The accounts in moto. */
export type StackAccounts = {
  /** Digests of three images: the first version's and two models'. */
  readonly digests: readonly [string, string, string];
  /** The stacks' names by moto's ids. */
  readonly named: ReadonlyMap<string, string>;
  /** Ids from moto. */
  readonly apiIds: Readonly<Record<"stage" | "prod", string>>;
  /** ARN of the builds' signing key. */
  readonly signer: string;
};

const secrets = {
  SLACK_BOT_TOKEN: sentinelSecrets.slackToken,
  SLACK_SIGNING_SECRET: sentinelSecrets.signingSecret,
  SLACK_SIGNING_SECRET_PREVIOUS: "the one before",
  SLACK_CLIENT_SECRET: sentinelSecrets.clientSecret,
  GITHUB_REPORT_TOKEN: sentinelSecrets.gitHubToken,
  CONSOLE_SESSION_KEY: sentinelSecrets.sessionKey,
  CONSOLE_SESSION_KEY_PREVIOUS: "the session key before it, long enough",
};

/**
 * Creates the functions' resources in moto, with the stacks' names. The stacks' configuration has moto's account for
 * tooling.
 */
export const createStackAccounts = async (
  endpoint: string,
  written: SynthesizedStacks,
): Promise<StackAccounts> => {
  const { tooling } = written.accounts;
  const names = nameResources(written.accounts);
  const client = {
    endpoint,
    region: tooling.region,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const named = new Map<string, string>();

  const dynamodb = new DynamoDBClient(client);
  const records = (["stage", "prod"] as const).map(names.recordsTable);
  for (const table of [names.table, ...records]) await createTable(dynamodb, table);
  await writePolicy(
    createDynamoDbStore({ client: dynamodb, table: names.table, clock: Date.now }),
    policyYaml,
  );

  await new EventBridgeClient(client).send(new CreateEventBusCommand({ Name: names.eventBus }));

  const kms = new KMSClient(client);
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
  named.set(KeyMetadata?.Arn ?? "", readResourceValue(written, "delivery", "aws_kms_key", "arn", "tokens"));
  const signer = await createSigningKey(kms);
  named.set(signer, readResourceValue(written, "delivery", "aws_kms_key", "arn", "images_signer"));

  const ssm = new SSMClient(client);
  for (const [name, Value] of Object.entries(secrets))
    await ssm.send(new PutParameterCommand({ Name: `${names.secrets}${name}`, Value, Type: "SecureString" }));

  for (const environment of ["stage", "prod"] as const)
    await ssm.send(
      new PutParameterCommand({
        Name: names.recordsHashKey(environment),
        Value: randomBytes(32).toString("base64"),
        Type: "SecureString",
      }),
    );

  const s3 = new S3Client(client);
  for (const [, , bucket] of listResources(written, "aws_s3_bucket"))
    await s3.send(new CreateBucketCommand({ Bucket: String(bucket.bucket) }));

  const ecr = new ECRClient(client);
  await ecr.send(new CreateRepositoryCommand({ repositoryName: names.imageRepository }));
  const push = async (imageTag: string): Promise<string> => {
    const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", size: 1_000 };
    const { image } = await ecr.send(
      new PutImageCommand({
        repositoryName: names.imageRepository,
        imageTag,
        imageManifest: JSON.stringify({
          schemaVersion: 2,
          mediaType: "application/vnd.oci.image.manifest.v1+json",
          config: { mediaType: "application/vnd.oci.image.config.v1+json", size: 1, digest: "sha256:0" },
          layers: [{ ...layer, digest: `sha256:${imageTag}` }],
        }),
      }),
    );
    const imageDigest = image?.imageId?.imageDigest ?? "";
    // On AWS the repository scans pushed images.
    await ecr.send(
      new StartImageScanCommand({ repositoryName: names.imageRepository, imageId: { imageDigest } }),
    );
    return imageDigest;
  };
  const digests = [await push("first"), await push("a"), await push("b")] as const;

  for (const [stack, , role] of listResources(written, "aws_iam_role", ["serving-stage", "serving-prod"])) {
    const { account, externalId } = written.accounts[stack === "serving-prod" ? "prod" : "stage"];
    await createRole(endpoint, account, String(role.name), { account: tooling.account, externalId });
  }
  const apiIds = { stage: "", prod: "" };
  for (const environment of ["stage", "prod"] as const) {
    const api = actInAccount(written.accounts[environment].account, new ApiGatewayV2Client(client));
    const { ApiId = "" } = await api.send(new CreateApiCommand({ Name: environment, ProtocolType: "HTTP" }));
    apiIds[environment] = ApiId;
    named.set(ApiId, readResourceValue(written, `serving-${environment}`, "aws_apigatewayv2_api", "id"));
  }

  const role = await createRole(endpoint, tooling.account, "machine", { service: "states.amazonaws.com" });
  await new SFNClient(client).send(
    new CreateStateMachineCommand({
      name: names.stateMachine,
      roleArn: role,
      definition: JSON.stringify({
        StartAt: "Wait",
        States: { Wait: { Type: "Wait", Seconds: 86_400, End: true } },
      }),
    }),
  );
  return { digests, named, apiIds, signer };
};
