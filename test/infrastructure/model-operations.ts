import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ECRClient, PutImageCommand } from "@aws-sdk/client-ecr";
import { S3Client } from "@aws-sdk/client-s3";
import { GetParameterCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import * as z from "zod";
import { createFunctionConfig } from "#domain/deployment/function-config.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { createEcrRepository } from "#platform/images/ecr.ts";
import { createMlflowModel } from "#platform/registry/mlflow/mlflow-model.ts";
import { createS3Artifacts } from "#platform/registry/mlflow/s3-artifacts.ts";
import type { Environment } from "#platform/serving/serving.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { nameResources } from "#terraform/resource-names.ts";
import { startMlflow } from "#test/peers/mlflow.ts";
import { motoClientConfig } from "#test/peers/moto.ts";
import { runCommand } from "#test/support/run-command.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { buildModelFiles, buildModelYaml } from "#test/support/toy-model.ts";
import { AwsOutputs, outputsParameter } from "#worlds/aws/environment/aws-outputs.ts";
import { createRegistry } from "#worlds/aws/registry.ts";
import { createServing } from "#worlds/aws/serving.ts";
import type { StackRunner } from "./stack-runner.ts";
import { readResourceValue } from "./terraform-values.ts";

const resources = { memoryMb: 512, timeoutSeconds: 30 };
const environments = ["stage", "prod"] as const;

/**
 * Writes what deliveries write for one model, by the steps' code, under the applied roles, in the applied APIs, table,
 * repository and bucket. `AWS_ENDPOINT_URL` and `AWS_REGION` point the clients to moto. MLflow is a real server next to
 * moto, because moto's load balancer forwards to no server.
 */
export const createModelOperations = async ({ written, endpoint, person, surroundings }: StackRunner) => {
  const { accounts } = written;
  const { region } = accounts.tooling;
  const tooling = { ...motoClientConfig(endpoint), region, credentials: person };
  const names = nameResources(accounts);
  const ssm = new SSMClient(tooling);
  const ecr = new ECRClient(tooling);
  const { Parameter } = await ssm.send(new GetParameterCommand({ Name: outputsParameter }));
  const folder = await createTemporaryFolder();
  const mlflow = await startMlflow(
    `s3://${readResourceValue(written, "registry", "aws_s3_bucket", "id")}/mlflow`,
  );
  const outputs = { ...AwsOutputs.parse(JSON.parse(Parameter?.Value ?? "null")), MLFLOW_URI: mlflow.uri };
  const outputsFile = join(folder.path, "slipway.aws.json");
  await writeFile(outputsFile, JSON.stringify(outputs));
  const registry = createRegistry({
    env: outputs,
    clock: Date.now,
    s3: createS3Artifacts(new S3Client(tooling)),
    createModel: createMlflowModel,
    credentials: async () => person,
  });
  const store = createDynamoDbStore({
    client: new DynamoDBClient(tooling),
    table: outputs.DELIVERY_TABLE,
    clock: Date.now,
  });
  const entries = createLedger({ store });

  const push = async (imageTag: string): Promise<string> => {
    const descriptor = {
      size: 1_000,
      digest: `sha256:${Buffer.from(imageTag.padEnd(32, ".")).toString("hex")}`,
    };
    const imageManifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: { mediaType: "application/vnd.oci.image.config.v1+json", ...descriptor },
      layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", ...descriptor }],
    });
    const repositoryName = outputs.IMAGE_REPOSITORY;
    const { image } = await ecr.send(new PutImageCommand({ repositoryName, imageTag, imageManifest }));
    return z.string().parse(image?.imageId?.imageDigest);
  };
  const firstDigest = await push("release-first");
  /** Serving with this caller's roles in both environments. */
  const servingAs = (caller: string) =>
    createServing({
      env: {
        ...outputs,
        FIRST_DIGEST: firstDigest,
        STAGE_ROLE_ARN: names.callerRoleArn("stage", caller),
        PROD_ROLE_ARN: names.callerRoleArn("prod", caller),
      },
      sts: new STSClient(tooling),
      clock: Date.now,
    })(caller);

  return {
    /** Registers a version, deploys it to stage and prod (with a canary over a champion), and promotes it. */
    deliver: async (model: string, delivery: string): Promise<void> => {
      const serving = servingAs("deploy-model");
      const digest = await push(delivery);
      const commit = Buffer.from(delivery.padEnd(20, ".")).toString("hex");
      const manifest = buildModelYaml({ name: model });
      const { version } = await registry.register({
        model,
        delivery,
        manifest,
        artifact: buildModelFiles(delivery, manifest).get("model.onnx") ?? new Uint8Array(),
        tags: { delivery, commit, digest },
        metrics: {},
      });
      const deploy = async (environment: Environment) => {
        const target = serving[environment];
        await target.ensure(model);
        const config = createFunctionConfig({ model, environment, digest, version, resources });
        const { version: published } = await target.publish(model, config);
        const champion = await target.live(model);
        const deployment = { environment, model, delivery, commit, digest, version, fence: version };
        const entry = await entries.begin(
          { ...deployment, functionVersion: published, previous: 0, reason: null },
          Date.now(),
        );
        const description = `fence=${version} delivery=${delivery}`;
        const first =
          champion === undefined
            ? { version: published, description }
            : { version: champion.version, canary: { version: published, weight: 0.1 }, description };
        const { revision } = await target.route(model, first, { expect: champion?.revision ?? "absent" });
        await target.route(model, { version: published, description }, { expect: revision });
        const promotedAt = Date.now();
        await entries.change(entry, (current) => ({
          ...current,
          status: "promoted",
          promotedAt,
          shares: [{ percent: 100, from: promotedAt }],
        }));
      };
      for (const environment of environments) await deploy(environment);
      await registry.setAlias(model, "champion", version);
      const images = createEcrRepository({ ecr, repository: outputs.IMAGE_REPOSITORY });
      await images.release(digest, `release-${delivery}`);
    },
    /** Runs an operator's command: `slipway retire <model> --yes`. */
    retire: (model: string) =>
      runCommand(
        ["retire", model, "--yes", "--world", "aws", "--profile", "tooling", "--outputs", outputsFile],
        { ...surroundings, AWS_REGION: region },
      ),
    /** A model's entries and versions in the ledger and the registry. */
    standing: async (model: string) => ({
      served: (await Promise.all(environments.map((env) => entries.serving(env, model)))).filter(
        (entry) => entry !== undefined,
      ).length,
      entries: (await Promise.all(environments.map((env) => entries.entries(env, model, 10)))).flat().length,
      champion: (await registry.byAlias(model, "champion"))?.version,
      versions: (await registry.versions(model, { limit: 10 })).length,
    }),
    models: async () => {
      const serving = servingAs("operator");
      return { prod: await serving.prod.models(), stage: await serving.stage.models() };
    },
    /** Writes a secret, as a person does once after the first apply. */
    putSecret: async (name: string): Promise<void> => {
      const parameter = {
        Name: `${names.secrets}${name}`,
        Value: `a ${name}`,
        Type: "SecureString",
        Overwrite: true,
        // As docs/infrastructure.md says it; SSM keeps it in this form.
        KeyId: "alias/slipway",
      } as const;
      await ssm.send(new PutParameterCommand(parameter));
    },
    stop: async (): Promise<void> => {
      await mlflow.stop();
      await folder.remove();
    },
  };
};
