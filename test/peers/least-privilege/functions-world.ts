import { cp, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stop as stopBundling } from "esbuild";
import { bundleHandler } from "#packaging/bundle-handler.ts";
import { nameResources } from "#terraform/resource-names.ts";
import { listResources, type SynthesizedStacks } from "#test/infrastructure/synth-stacks.ts";
import { createValueResolver, readResourceValue } from "#test/infrastructure/terraform-values.ts";
import { startMlflow } from "#test/peers/mlflow.ts";
import { startMoto } from "#test/peers/moto.ts";
import { startRecordingProxy } from "#test/peers/recording-proxy.ts";
import { signBuild } from "#test/peers/sign-build.ts";
import { createGitRepository } from "#test/support/git-repository.ts";
import { handlerEnvironment } from "#test/support/handler-environment.ts";
import { type BundleRun, runBundle } from "#test/support/run-bundle.ts";
import { sentinelSecrets } from "#test/support/sentinel-secrets.ts";
import { startStubServer } from "#test/support/stub-server.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { createStackAccounts } from "./create-stack-accounts.ts";

/** A stub of Slack's Web API: one message, one user. */
const slackAnswer = {
  ok: true,
  channel: "C0000000000",
  ts: "1.1",
  messages: [],
  user: { profile: { email: "approver@example.com" } },
};
const prediction = { label: "yes", scores: { no: 0.25, yes: 0.75 } };

/**
 * Every function's bundle on moto, with the variables that Terraform gives it, each call recorded. Names, ARNs and
 * external ids are the written stacks'.
 */
export const startFunctionsWorld = async (written: SynthesizedStacks) => {
  const stops: (() => Promise<unknown>)[] = [];
  const started = <Part extends { stop(): Promise<unknown> }>(part: Part): Part => {
    stops.push(part.stop);
    return part;
  };
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  try {
    const checkout = fileURLToPath(new URL("../../..", import.meta.url));
    const read = createValueResolver(written);
    const known = nameResources(written.accounts);
    const { region } = written.accounts.tooling;
    const folder = await createTemporaryFolder();
    stops.push(folder.remove);
    const repository = await createGitRepository();
    stops.push(repository.remove);
    const slackState = { down: false };
    const slack = started(
      await startStubServer((_request, _body, response) => {
        if (slackState.down) response.statusCode = 500;
        return slackState.down ? { ok: false, error: "internal_error" } : slackAnswer;
      }),
    );
    const functions = started(
      await startStubServer((_, body) => ({
        predictions: JSON.parse(body.toString("utf8")).rows.map(() => prediction),
        latencyMs: 1,
      })),
    );
    const bucket = readResourceValue(written, "registry", "aws_s3_bucket", "id");
    const [moto, mlflow] = await Promise.all([
      startMoto({ FUNCTIONS_URL: functions.url, CODECOMMIT_REPOSITORY: repository.path }).then(started),
      startMlflow(`s3://${bucket}/mlflow`).then(started),
    ]);
    const recorder = started(await startRecordingProxy(moto.endpoint, { "execute-api": mlflow.uri }));
    const made = await createStackAccounts(moto.endpoint, written);
    const drawn = new Map([...made.named].map(([id, name]) => [name, id]));

    const lambdas = new Map(
      listResources(written, "aws_lambda_function").map(([stack, , one]) => {
        const block: unknown = Array.isArray(one.environment) ? one.environment[0] : one.environment;
        const text = read(stack, JSON.stringify((block as { variables: object }).variables));
        const name = String(one.function_name).replace(/^slipway-/, "");
        const environment = /^serving-(.+)$/.exec(stack)?.[1];
        return [environment ? `${name}@${environment}` : name, JSON.parse(text)] as const;
      }),
    );
    // A model whose records hold hashed inputs reads the key that they are hashed under.
    const hashed = join(folder.path, "churn");
    await cp(join(checkout, "models", "churn"), hashed, { recursive: true });
    const manifest = await readFile(join(hashed, "model.yaml"), "utf8");
    await writeFile(join(hashed, "model.yaml"), manifest.replace("inputs: full", "inputs: hashed"));
    for (const environment of ["stage", "prod"] as const)
      lambdas.set(`predict@${environment}`, {
        MODEL_DIRECTORY: hashed,
        SLIPWAY_MODEL: "churn",
        SLIPWAY_MODEL_VERSION: "1",
        SLIPWAY_DIGEST: made.digests[0],
        SLIPWAY_ENVIRONMENT: environment,
        RECORDS_TABLE: known.recordsTable(environment),
        RECORDS_BUCKET: known.recordsBucket(environment),
        RECORDS_HASH_KEY_PARAMETER: known.recordsHashKey(environment),
      });
    const instead = {
      AWS_REGION: region,
      AWS_SECRET_ACCESS_KEY: sentinelSecrets.awsSecretKey,
      AWS_ENDPOINT_URL: recorder.endpoint,
      SLACK_API_URL: `${slack.url}/`,
      RUNTIME_DIGEST: `sha256:${"a".repeat(64)}`,
      FIRST_DIGEST: made.digests[0],
      MLFLOW_URI: recorder.endpoint,
      BUILDER_DIGEST: handlerEnvironment.BUILDER_DIGEST,
    };
    /** What a function gets from Terraform, with the ids that moto drew. */
    const variables = (name: string): Readonly<Record<string, string>> => {
      const own: Readonly<Record<string, string>> = lambdas.get(name) ?? {};
      const variables = Object.entries(own).map(([variable, value]) => [variable, drawn.get(value) ?? value]);
      return { ...Object.fromEntries(variables), ...instead, AWS_ACCESS_KEY_ID: name };
    };

    const fileOf = (name: string) => join(folder.path, `${name}.mjs`);
    // The inference function finds onnxruntime beside itself, as in its image.
    await symlink(join(checkout, "node_modules"), join(folder.path, "node_modules"));
    const bundled = new Set<string>();
    const bundle = async (name: string): Promise<string> => {
      if (!bundled.has(name)) await writeFile(fileOf(name), (await bundleHandler(name)).code);
      bundled.add(name);
      return fileOf(name);
    };
    const run = async (name: string, ...events: readonly unknown[]): Promise<BundleRun> =>
      runBundle(await bundle(name.split("@")[0] ?? name), variables(name), events);

    /** ECR has scanned an image without findings (in moto's form). */
    const scanned = async (imageDigest: string): Promise<void> => {
      const scan = {
        registryId: written.accounts.tooling.account,
        repositoryName: known.imageRepository,
        imageId: { imageDigest },
        imageScanStatus: { status: "COMPLETE" },
        imageScanFindings: { findings: [], findingSeverityCounts: {} },
      };
      await fetch(`${moto.endpoint}/moto-api/static/ecr/scan-finding-results`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ results: [scan], region }),
      });
    };

    /** The builder has signed how an image was built. */
    const signed = signBuild({
      endpoint: moto.endpoint,
      region,
      bucket: known.artefactBucket,
      key: made.signer,
    });

    return {
      scanned,
      signed,
      written,
      known,
      region,
      moto,
      recorder,
      repository,
      slack: slackState,
      digests: made.digests,
      named: made.named,
      apiIds: made.apiIds,
      lambdas,
      run,
      variables,
      stop: async () => {
        await stopBundling();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
};
export type FunctionsWorld = Awaited<ReturnType<typeof startFunctionsWorld>>;
