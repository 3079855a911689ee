import { ECRClient, PutImageCommand } from "@aws-sdk/client-ecr";
import { GetParameterCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import * as z from "zod";
import { functionConfig } from "../../domain/function-config.ts";
import { AwsOutputs, outputsParameter } from "../../lambdas/aws-outputs.ts";
import { servingOf } from "../../lambdas/serving-of.ts";
import { ecrRepository } from "../../platform/images/ecr.ts";
import type { Environment } from "../../platform/serving/serving.ts";
import { names } from "../../terraform/names.ts";
import { motoClient } from "../peers/moto.ts";
import type { AppliedWorld } from "./applied-world.ts";

const resources = { memoryMb: 512, timeoutSeconds: 30 };
const environments = ["stage", "prod"] as const;

/**
 * The calls of the pipeline that belong to one model, as its steps make them: under the roles that were applied, on the
 * APIs that were applied. `AWS_ENDPOINT_URL` and `AWS_REGION` lead the steps' own clients to moto.
 */
export const deliveredModels = async ({ written, endpoint, person }: AppliedWorld) => {
  const { accounts } = written;
  const { region } = accounts.tooling;
  const tooling = { ...motoClient(endpoint), region, credentials: person };
  const known = names(accounts);
  const ssm = new SSMClient(tooling);
  const ecr = new ECRClient(tooling);
  const { Parameter } = await ssm.send(new GetParameterCommand({ Name: outputsParameter }));
  const outputs = AwsOutputs.parse(JSON.parse(Parameter?.Value ?? "null"));

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
  /** Under the roles of this caller in both environments. */
  const servingAs = (caller: string) =>
    servingOf({
      env: {
        ...outputs,
        FIRST_DIGEST: firstDigest,
        STAGE_ROLE_ARN: known.callerRoleArn("stage", caller),
        PROD_ROLE_ARN: known.callerRoleArn("prod", caller),
      },
      sts: new STSClient(tooling),
      session: caller,
      clock: Date.now,
    });

  return {
    /** To stage, to prod by a canary where there is a champion, and promoted. */
    deliver: async (model: string, version: number): Promise<void> => {
      const serving = servingAs("deploy-model");
      const digest = await push(`${model}-${version}`);
      const deploy = async (environment: Environment) => {
        const here = serving[environment];
        await here.ensure(model);
        const config = functionConfig({ model, environment, digest, version, resources });
        const { version: published } = await here.publish(model, config);
        const champion = await here.live(model);
        const description = `fence=${version} delivery=${model}-${version}`;
        const first =
          champion === undefined
            ? { version: published, description }
            : { version: champion.version, canary: { version: published, weight: 0.1 }, description };
        const { revision } = await here.route(model, first, { expect: champion?.revision ?? "absent" });
        await here.route(model, { version: published, description }, { expect: revision });
      };
      for (const environment of environments) await deploy(environment);
      const images = ecrRepository({ ecr, repository: outputs.IMAGE_REPOSITORY });
      await images.release(digest, `release-${model}-${version}`);
    },
    /** `slipway retire`, by an operator. */
    retire: async (model: string): Promise<void> => {
      const serving = servingAs("operator");
      for (const environment of environments) await serving[environment].retire(model);
    },
    models: async () => {
      const serving = servingAs("operator");
      return { prod: await serving.prod.models(), stage: await serving.stage.models() };
    },
    /** What a person does once, after the first apply. */
    putSecret: async (name: string): Promise<void> => {
      const parameter = {
        Name: `${known.secrets}${name}`,
        Value: `a ${name}`,
        Type: "SecureString",
        Overwrite: true,
      } as const;
      await ssm.send(new PutParameterCommand(parameter));
    },
  };
};
