import { cp, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stop as stopBundling } from "esbuild";
import { nameResources } from "#terraform/resource-names.ts";
import { listResources, type SynthesizedStacks } from "#test/infrastructure/synth-stacks.ts";
import { createValueResolver, readResourceValue } from "#test/infrastructure/terraform-values.ts";
import { startGitHubReportsServer } from "#test/peers/github/reports-server.ts";
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
import { writeBundle } from "#test/support/write-bundle.ts";
import { createStackAccounts } from "./create-stack-accounts.ts";

/** A stub of Slack's Web API: one message, one user. */
const slackResponse = {
  ok: true,
  channel: "C0000000000",
  ts: "1.1",
  messages: [],
  user: { profile: { email: "approver@example.com" } },
};
const prediction = { label: "yes", scores: { no: 0.25, yes: 0.75 } };

/**
 * Runs every function's bundle on moto, with its variables from Terraform, and records each call. Names, ARNs and
 * external ids are those of the stacks.
 */
export const startFunctionsWorld = async (written: SynthesizedStacks) => {
  const stops: (() => Promise<unknown>)[] = [];
  const track = <Part extends { stop(): Promise<unknown> }>(part: Part): Part => {
    stops.push(part.stop);
    return part;
  };
  const stop = async () => {
    for (const stopPart of stops.splice(0).reverse()) await stopPart();
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
    const slack = track(
      await startStubServer((_request, _body, response) => {
        if (slackState.down) response.statusCode = 500;
        return slackState.down ? { ok: false, error: "internal_error" } : slackResponse;
      }),
    );
    const functions = track(
      await startStubServer((_, body) => {
        const event = JSON.parse(body.toString("utf8"));
        // The replay of a canary lists the champion's records.
        if (event.rawPath === "/v1/predictions") {
          const createdAt = new Date().toISOString();
          const items = [1, 2, 3].map((version) => ({ version, inputs: { x: 1 }, createdAt }));
          const page = JSON.stringify({ items, total: items.length });
          return { statusCode: 200, headers: {}, body: page, isBase64Encoded: false };
        }
        // What wakes an idle version, and runs no model.
        if (event.rawPath === "/health")
          return { statusCode: 200, headers: {}, body: "{}", isBase64Encoded: false };
        return { predictions: event.rows.map(() => prediction), latencyMs: 1 };
      }),
    );
    const commits: string[] = [];
    const github = track(await startGitHubReportsServer({ token: sentinelSecrets.gitHubToken, commits }));
    const bucket = readResourceValue(written, "registry", "aws_s3_bucket", "id");
    const [moto, mlflow] = await Promise.all([
      startMoto({ FUNCTIONS_URL: functions.url, CODECOMMIT_REPOSITORY: repository.path }).then(track),
      startMlflow(`s3://${bucket}/mlflow`).then(track),
    ]);
    const recorder = track(await startRecordingProxy(moto.endpoint, { "execute-api": mlflow.uri }));
    const accounts = await createStackAccounts(moto.endpoint, written);
    const ids = new Map([...accounts.named].map(([id, name]) => [name, id]));

    const lambdas = new Map(
      listResources(written, "aws_lambda_function").map(([stack, , item]) => {
        const block: unknown = Array.isArray(item.environment) ? item.environment[0] : item.environment;
        const text = read(stack, JSON.stringify((block as { variables: object }).variables));
        const name = String(item.function_name).replace(/^slipway-/, "");
        const environment = /^serving-(.+)$/.exec(stack)?.[1];
        return [environment ? `${name}@${environment}` : name, JSON.parse(text)] as const;
      }),
    );
    // A model with hashed inputs in its records reads the hash key.
    const hashedModel = join(folder.path, "churn");
    await cp(join(checkout, "models", "churn"), hashedModel, { recursive: true });
    const manifest = await readFile(join(hashedModel, "model.yaml"), "utf8");
    await writeFile(join(hashedModel, "model.yaml"), manifest.replace("inputs: full", "inputs: hashed"));
    for (const environment of ["stage", "prod"] as const)
      lambdas.set(`predict@${environment}`, {
        MODEL_DIRECTORY: hashedModel,
        SLIPWAY_MODEL: "churn",
        SLIPWAY_MODEL_VERSION: "1",
        SLIPWAY_DIGEST: accounts.digests[0],
        SLIPWAY_ENVIRONMENT: environment,
        RECORDS_TABLE: known.recordsTable(environment),
        RECORDS_BUCKET: known.recordsBucket(environment),
        RECORDS_HASH_KEY_PARAMETER: known.recordsHashKey(environment),
      });
    const overrides = {
      AWS_REGION: region,
      AWS_SECRET_ACCESS_KEY: sentinelSecrets.awsSecretKey,
      AWS_ENDPOINT_URL: recorder.endpoint,
      SLACK_API_URL: `${slack.url}/`,
      CONSOLE_ISSUER: slack.url,
      GITHUB_API: github.url,
      RUNTIME_DIGEST: `sha256:${"a".repeat(64)}`,
      FIRST_DIGEST: accounts.digests[0],
      MLFLOW_URI: recorder.endpoint,
      BUILDER_DIGEST: handlerEnvironment.BUILDER_DIGEST,
    };
    /** A function's variables from Terraform, with moto's ids. */
    const variables = (name: string): Readonly<Record<string, string>> => {
      const declared: Readonly<Record<string, string>> = lambdas.get(name) ?? {};
      const variables = Object.entries(declared).map(([key, value]) => [key, ids.get(value) ?? value]);
      const own = { AWS_ACCESS_KEY_ID: name, AWS_LAMBDA_FUNCTION_NAME: `slipway-${name}` };
      return { ...Object.fromEntries(variables), ...overrides, ...own };
    };

    const getBundlePath = (name: string) => join(folder.path, `${name}.mjs`);
    // The inference function finds onnxruntime next to itself, as in its image.
    await symlink(join(checkout, "node_modules"), join(folder.path, "node_modules"));
    const bundled = new Set<string>();
    const bundle = async (name: string): Promise<string> => {
      if (!bundled.has(name)) await writeBundle(name, { folder: folder.path });
      bundled.add(name);
      return getBundlePath(name);
    };
    const run = async (name: string, ...events: readonly unknown[]): Promise<BundleRun> =>
      runBundle(await bundle(name.split("@")[0] ?? name), variables(name), events);

    /** Makes ECR's scan of an image complete without findings (in moto's form). */
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

    /** Signs an image's provenance, as the builder does. */
    const signed = signBuild({
      endpoint: moto.endpoint,
      region,
      bucket: known.artefactBucket,
      key: accounts.signer,
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
      /** The commits that GitHub has, and what it shows of them. */
      github: { commits, deployments: github.deployments, violations: github.violations },
      digests: accounts.digests,
      named: accounts.named,
      apiIds: accounts.apiIds,
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
