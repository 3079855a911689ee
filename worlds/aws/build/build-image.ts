// node worlds/aws/build/build-image.ts <folder>: CodeBuild runs it as the builder (packaging/buildspec.yml).
// It writes a file into the folder for each variable that the build exports.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ECRClient, GetAuthorizationTokenCommand } from "@aws-sdk/client-ecr";
import { S3Client } from "@aws-sdk/client-s3";
import * as z from "zod";
import { buildVariables } from "#domain/delivery/parse-built-image.ts";
import { readCommittedManifest } from "#domain/delivery/read-committed-model.ts";
import { loadArtifactRules } from "#domain/policy/load-artifact-rules.ts";
import { builderIds } from "#domain/provenance/statement.ts";
import { assertModel } from "#model-check/check-model.ts";
import { bundleRuntime } from "#packaging/bundle-runtime.ts";
import { createCrane } from "#packaging/crane.ts";
import { createModelPlan } from "#packaging/create-model-plan.ts";
import { pushImage, snapStartLabel } from "#packaging/push-image.ts";
import { ArtifactRules } from "#platform/artifact-rules/artifact-rules.ts";
import { resolveModelFiles } from "#platform/artifacts/resolve-model-files.ts";
import { createS3ArtifactStore } from "#platform/artifacts/s3-artifact-store.ts";
import { useTemporaryFolder } from "#platform/files/temporary-folder.ts";
import { findLayerPaths } from "#platform/images/find-layer-paths.ts";
import { ImageBuildFailed } from "#platform/images/images.ts";
import { createOciImages } from "#platform/images/oci.ts";
import { createCodeCommitClone, toCodeCommitUrl } from "#platform/source/codecommit-clone.ts";
import { openBuildArtifacts } from "#worlds/aws/build/build-artifacts.ts";
import { variableGroups } from "#worlds/aws/environment/variable-groups.ts";
import { createAwsProvenanceStore } from "#worlds/aws/provenance-store.ts";
import { createSecrets } from "#worlds/aws/secrets.ts";
import { createSource } from "#worlds/aws/source.ts";

const requiredVariable = (name: string) =>
  z.string().min(1, `${name} is not set for this build: apply the stack again`);
const Env = z.object({
  ...variableGroups.source,
  ...variableGroups.secrets,
  ...variableGroups.provenance,
  ...variableGroups.builder,
  IMAGE_REPOSITORY_URI: requiredVariable("IMAGE_REPOSITORY_URI"),
  ARCHITECTURE: variableGroups.functions.ARCHITECTURE,
  BASE_IMAGE: z
    .string()
    .regex(
      /@sha256:[0-9a-f]{64}$/,
      "BASE_IMAGE names no digest: `slipway doctor` prints the command that finds it",
    ),
  AWS_REGION: requiredVariable("AWS_REGION"),
  /** Where artefacts outside the repository may be; absent: nowhere. */
  ARTIFACT_RULES: z
    .string()
    .default("{}")
    .transform((text) => JSON.parse(text))
    .pipe(ArtifactRules),
  /** Another address of CodeCommit for git; only tests set it. */
  SOURCE_CLONE_URL: z.string().optional(),
  CODEBUILD_BUILD_ID: requiredVariable("CODEBUILD_BUILD_ID"),
  SLIPWAY_MODEL: requiredVariable("SLIPWAY_MODEL"),
  SLIPWAY_COMMIT: requiredVariable("SLIPWAY_COMMIT"),
  SLIPWAY_RUNTIME: requiredVariable("SLIPWAY_RUNTIME"),
});

const readEnv = (): z.infer<typeof Env> => {
  const parsed = Env.safeParse(process.env);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) =>
    message.startsWith(String(path[0])) ? message : `${path.join(".")}: ${message}`,
  );
  throw new ImageBuildFailed(problems.join("; "));
};

/** https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html */
const readRegistryLogin = async (): Promise<{ user: string; password: string }> => {
  const { authorizationData } = await new ECRClient({}).send(new GetAuthorizationTokenCommand({}));
  const token = Buffer.from(authorizationData?.[0]?.authorizationToken ?? "", "base64").toString("utf8");
  const at = token.indexOf(":");
  if (at < 1) throw new ImageBuildFailed("ECR gave no login for its registry");
  return { user: token.slice(0, at), password: token.slice(at + 1) };
};

/**
 * Reads one model at one commit through the source's interface, checks it, packs its image onto the base, pushes it and
 * signs how it was made. Nothing of the commit is checked out, run or read as configuration; the check first loads its
 * model, in a separate process.
 */
const buildImage = async (work: string): Promise<Readonly<Record<string, string>>> => {
  const env = readEnv();
  const clock = Date.now;
  const request = { model: env.SLIPWAY_MODEL, commit: env.SLIPWAY_COMMIT, runtime: env.SLIPWAY_RUNTIME };
  const layout = join(work, "images");
  const secrets = createSecrets({ env, clock });
  const source = createSource({
    env,
    secrets,
    openLargeBlob: createCodeCommitClone({
      folder: join(work, "clone"),
      url: env.SOURCE_CLONE_URL ?? toCodeCommitUrl(env.AWS_REGION, env.SOURCE_REPOSITORY),
    }),
  });
  const images = createOciImages({
    folder: layout,
    source,
    platform: env.ARCHITECTURE === "arm64" ? "linux/arm64" : "linux/x64",
    bundle: bundleRuntime,
    check: assertModel,
    compile: createModelPlan,
    advisories: async () => undefined,
    clock,
  });
  const store = createS3ArtifactStore({ client: new S3Client({}), bucket: env.PROVENANCE_BUCKET });
  const built = await images.build(request, {
    resolveFiles: resolveModelFiles({
      artifacts: openBuildArtifacts({ env, secrets }),
      // The list of the applied stack: a commit's policy.yaml can only take addresses away.
      rules: loadArtifactRules({ source, platform: async () => env.ARTIFACT_RULES }),
    }),
    keepArtifact: store.keep,
  });
  const { contents } = built;
  if (contents === undefined)
    throw new ImageBuildFailed(`the build of ${built.digest} does not say what went in`);

  const manifest = await readCommittedManifest({ source })(request.model, request.commit);
  const login = join(work, "login");
  await mkdir(login, { recursive: true });
  const run = createCrane({ folder: login });
  const { user, password } = await readRegistryLogin();
  const registry = env.IMAGE_REPOSITORY_URI.replace(/\/.*/, "");
  await run(["auth", "login", registry, "--username", user, "--password-stdin"], password);
  const pushed = await pushImage({ crane: run })({
    model: request.model,
    baseImage: env.BASE_IMAGE,
    repository: env.IMAGE_REPOSITORY_URI,
    platform: `linux/${env.ARCHITECTURE === "arm64" ? "arm64" : "amd64"}`,
    layerFiles: await findLayerPaths({ folder: layout })(built.digest),
    layers: contents.layers,
    ...(manifest.resources.snapStart === true && { labels: snapStartLabel }),
  });
  if (pushed.foreign !== undefined)
    console.warn(
      `${pushed.foreign} is the tag of another image, which this build did not make: the image is tagged ${pushed.tag}. Find out who pushed it.`,
    );

  const finishedAt = clock();
  await createAwsProvenanceStore({ env }).record({
    ...request,
    files: contents.files,
    gitBlobs: contents.gitBlobs,
    artifact: contents.artifact,
    digest: pushed.digest,
    layers: pushed.layers,
    baseImage: env.BASE_IMAGE,
    builderId: builderIds.codebuild,
    builder: env.BUILDER_DIGEST,
    buildId: env.CODEBUILD_BUILD_ID,
    finishedAt,
  });
  console.log(`${request.model} at ${request.commit} is ${pushed.digest}, ${pushed.sizeBytes} bytes`);
  return {
    [buildVariables.digest]: pushed.digest,
    [buildVariables.sizeBytes]: String(pushed.sizeBytes),
    [buildVariables.buildId]: env.CODEBUILD_BUILD_ID,
    [buildVariables.builtAt]: String(finishedAt),
  };
};

const [exports = ""] = process.argv.slice(2);
await useTemporaryFolder("slipway-build-", async (work) => {
  await mkdir(exports, { recursive: true });
  const variables = await buildImage(work).catch((error: unknown) => {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    // A variable cannot contain NUL: its text would end there.
    return {
      [buildVariables.error]: name,
      [buildVariables.cause]: message.replaceAll("\0", "").slice(0, 4_000),
    };
  });
  for (const [name, value] of Object.entries(variables)) await writeFile(join(exports, name), value);
});
