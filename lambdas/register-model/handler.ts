import { S3Client } from "@aws-sdk/client-s3";
import { createClaims } from "#domain/claims/claims.ts";
import { assertArtifactAllowed } from "#platform/artifacts/assert-artifact-allowed.ts";
import { createS3ArtifactStore } from "#platform/artifacts/s3-artifact-store.ts";
import { createMlflowModel } from "#platform/registry/mlflow/mlflow-model.ts";
import { createS3Artifacts } from "#platform/registry/mlflow/s3-artifacts.ts";
import { RegisterModelInput } from "#statemachine/contracts.ts";
import { openCapabilities } from "#worlds/aws/capabilities.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createAwsProvenanceStore } from "#worlds/aws/provenance-store.ts";
import { createRegistry } from "#worlds/aws/registry.ts";
import { createRuleSources } from "#worlds/aws/rule-sources.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { registerModel } from "./register-model.ts";

const world = openCapabilities(readEnv(Env));
const s3 = new S3Client({});
const registry = createRegistry({ ...world, s3: createS3Artifacts(s3), createModel: createMlflowModel });
const artifacts = createS3ArtifactStore({ client: s3, bucket: world.env.PROVENANCE_BUCKET });
const provenance = createAwsProvenanceStore(world);
const builder = async () => world.env.BUILDER_DIGEST;
const records = { ...createRuleSources(world), claims: createClaims(world) };
const needs = { ...records, artifacts, assertArtifactAllowed, registry, provenance, builder };

export const handler = createStepHandler("register-model", RegisterModelInput, registerModel(needs));
