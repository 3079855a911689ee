/**
 * Builds a model's image and registers the model from a local repository, with the steps of a delivery and without the
 * check, which runs the model in another process: `node deliver-artefact-process.ts <repository> <commit> <empty folder>`.
 * With a fourth argument, AwsSettings as JSON, it uses the implementations on S3 and MLflow. Prints the process's largest
 * memory.
 */
import { join } from "node:path";
import { S3Client } from "@aws-sdk/client-s3";
import * as z from "zod";
import { createClaims } from "#domain/claims/claims.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { createProvenanceStore } from "#domain/provenance/provenance-store.ts";
import { registerModel } from "#lambdas/register-model/register-model.ts";
import { ArtifactRules } from "#platform/artifact-rules/artifact-rules.ts";
import { assertArtifactAllowed } from "#platform/artifacts/assert-artifact-allowed.ts";
import { createBlobArtifactStore } from "#platform/artifacts/blob-artifact-store.ts";
import { openArtifacts } from "#platform/artifacts/open-artifacts.ts";
import { openLocalArtifacts } from "#platform/artifacts/open-local-artifacts.ts";
import { resolveModelFiles } from "#platform/artifacts/resolve-model-files.ts";
import { createS3ArtifactStore } from "#platform/artifacts/s3-artifact-store.ts";
import { createFileBlobs } from "#platform/blobs/files.ts";
import { createOciImages } from "#platform/images/oci.ts";
import { createMlflowModel } from "#platform/registry/mlflow/mlflow-model.ts";
import { createS3Artifacts } from "#platform/registry/mlflow/s3-artifacts.ts";
import { createMlflowRegistry } from "#platform/registry/mlflow.ts";
import { createSqliteRegistry } from "#platform/registry/sqlite.ts";
import { createKeyFileSigner } from "#platform/signer/key-file.ts";
import { createGitSource } from "#platform/source/git.ts";
import { openDatabase } from "#platform/store/open-database.ts";
import { createSqliteStore } from "#platform/store/sqlite.ts";
import { fakeBuilderDigest } from "#test/support/fake-build.ts";
import { toyModel } from "#test/support/toy-model.ts";
import { runBuildTask } from "#worlds/embedded/engine/run-build-task.ts";

/** `bucket`: where builds keep artefacts; `allowed`: where the manifest's address may be. */
const AwsSettings = z.object({
  endpoint: z.url(),
  mlflow: z.url(),
  bucket: z.string(),
  allowed: z.string(),
});

const [repository = "", commit = "", folder = "", settings] = process.argv.slice(2);
const clock = Date.now;
const aws = settings === undefined ? undefined : AwsSettings.parse(JSON.parse(settings));
const s3 = new S3Client({
  ...(aws && { endpoint: aws.endpoint }),
  region: "eu-central-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
  forcePathStyle: true,
});
const unused = () => {
  throw new Error("the manifest names a bucket");
};
const rules = ArtifactRules.parse(aws ? { buckets: [aws.allowed] } : {});
const source = createGitSource({ repository });
const blobs = createFileBlobs({ folder: join(folder, "blobs") });
const artifacts = aws
  ? createS3ArtifactStore({ client: s3, bucket: aws.bucket })
  : createBlobArtifactStore({ blobs });
const provenance = createProvenanceStore({
  blobs,
  signer: createKeyFileSigner({ file: join(folder, "signer.key") }),
});
const images = createOciImages({
  folder: join(folder, "images"),
  source,
  platform: "linux/arm64",
  bundle: async () => ({ files: new Map(), packages: [] }),
  check: async () => ({ name: toyModel }),
  compile: async () => undefined,
  advisories: async () => undefined,
  clock,
});
const runtime = await images.runtimeHash();
const builder = async () => fakeBuilderDigest;
const build = runBuildTask({
  images,
  artifacts,
  provenance,
  builder,
  clock,
  resolveFiles: resolveModelFiles({
    ...(aws
      ? { artifacts: openArtifacts({ https: unused, lfs: unused, s3: async () => s3 }) }
      : { artifacts: openLocalArtifacts({ repository }), store: artifacts }),
    rules: async () => rules,
  }),
});
const variables = { SLIPWAY_MODEL: toyModel, SLIPWAY_COMMIT: commit, SLIPWAY_RUNTIME: runtime };
const built = await build({
  EnvironmentVariablesOverride: Object.entries(variables).map(([Name, Value]) => ({ Name, Value })),
});
const { Build } = built as unknown as {
  Build: { ExportedEnvironmentVariables: { Name: string; Value: string }[] };
};

const database = openDatabase(join(folder, "state.db"));
const store = createSqliteStore({ database, clock });
const claims = createClaims({ store });
const now = clock();
const claim = await claims.take(
  { environment: "stage", model: toyModel, delivery: "one", requestedAt: now, now },
  "force",
);
if (claim.status !== "granted") throw new Error("a forced claim is granted");
const registered = await registerModel({
  registry: aws
    ? createMlflowRegistry({
        uri: aws.mlflow,
        fetch,
        clock,
        s3: createS3Artifacts(s3),
        createModel: createMlflowModel,
      })
    : createSqliteRegistry({ database, blobs, clock }),
  source,
  artifacts,
  ledger: createLedger({ store }),
  claims,
  provenance,
  builder,
  assertArtifactAllowed,
  policy: { read: async () => ({ floor: { artifacts: rules } }) },
})({
  delivery: "one",
  model: toyModel,
  commit,
  runtime,
  fence: claim.fence,
  build: Build.ExportedEnvironmentVariables,
});
database.close();
console.log(JSON.stringify({ maxRssMb: process.resourceUsage().maxRSS / 1_024, registered }));
