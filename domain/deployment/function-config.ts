import type { Manifest } from "#model-folder/manifest/manifest.ts";
import type { Environment, FunctionConfig } from "#platform/serving/serving.ts";

/**
 * The configuration of a model's function. Equal arguments give equal configurations, so a repeated publish finds the
 * existing version.
 */
export const createFunctionConfig = (deployment: {
  readonly model: string;
  readonly environment: Environment;
  readonly digest: string;
  /** Registry version. */
  readonly version: number;
  readonly resources: Manifest["resources"];
}): FunctionConfig => ({
  digest: deployment.digest,
  memoryMb: deployment.resources.memoryMb,
  timeoutSeconds: deployment.resources.timeoutSeconds,
  ...(deployment.resources.snapStart === true ? { snapStart: true } : {}),
  variables: {
    SLIPWAY_MODEL: deployment.model,
    SLIPWAY_MODEL_VERSION: String(deployment.version),
    SLIPWAY_DIGEST: deployment.digest,
    SLIPWAY_ENVIRONMENT: deployment.environment,
  },
});
