import type { Manifest } from "#model-folder/manifest/manifest.ts";
import type { Environment, FunctionConfig } from "#platform/serving/serving.ts";

/**
 * How a model's function is configured: the image says what runs, these variables what is known only now. The same
 * arguments give the same configuration, so publishing again finds the version that is there.
 */
export const createFunctionConfig = (of: {
  readonly model: string;
  readonly environment: Environment;
  readonly digest: string;
  /** Registry version. */
  readonly version: number;
  readonly resources: Manifest["resources"];
}): FunctionConfig => ({
  digest: of.digest,
  memoryMb: of.resources.memoryMb,
  timeoutSeconds: of.resources.timeoutSeconds,
  variables: {
    SLIPWAY_MODEL: of.model,
    SLIPWAY_MODEL_VERSION: String(of.version),
    SLIPWAY_DIGEST: of.digest,
    SLIPWAY_ENVIRONMENT: of.environment,
  },
});
