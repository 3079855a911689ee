import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import type { Identity } from "../../inference/answer.ts";
import { ModelName } from "../../inference/manifest.ts";

/** The inference function's environment variables. */
export const Env = z.object({
  /** Folder with model.yaml and the ONNX file; in the image it lies beside the bundle. */
  MODEL_DIRECTORY: z
    .string()
    .min(1)
    .default(() => join(dirname(fileURLToPath(import.meta.url)), "model")),
  SLIPWAY_MODEL: ModelName,
  /** The registry's version of the model. */
  SLIPWAY_MODEL_VERSION: z.coerce.number().int().positive(),
  SLIPWAY_DIGEST: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  SLIPWAY_ENVIRONMENT: z.enum(["stage", "prod"]),
  /** Set by Lambda. */
  AWS_LAMBDA_FUNCTION_VERSION: z.string().min(1).default("$LATEST"),
});
export type Env = z.infer<typeof Env>;

/** Who answers, as the environment says. */
export const identityOf = (env: Env): Identity => ({
  model: env.SLIPWAY_MODEL,
  version: env.SLIPWAY_MODEL_VERSION,
  digest: env.SLIPWAY_DIGEST,
  environment: env.SLIPWAY_ENVIRONMENT,
  functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
});
