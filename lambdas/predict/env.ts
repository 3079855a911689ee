import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { ModelName } from "../../inference/manifest.ts";
import { HashKey } from "../records-hash-key.ts";

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
  /** Where predictions are recorded; without both there are no records. */
  RECORDS_TABLE: z.string().min(1).optional(),
  RECORDS_BUCKET: z.string().min(1).optional(),
  /** What inputs are hashed under where a manifest has `records.inputs: hashed`. */
  RECORDS_HASH_KEY: HashKey.optional(),
  /** Name of the parameter in SSM that holds it instead. */
  RECORDS_HASH_KEY_PARAMETER: z.string().min(1).optional(),
  /** Set by Lambda. */
  AWS_LAMBDA_FUNCTION_VERSION: z.string().min(1).default("$LATEST"),
});
export type Env = z.infer<typeof Env>;

/** Who answers, as the deployment said it. */
export const identityOf = (env: Env) => ({
  model: env.SLIPWAY_MODEL,
  version: env.SLIPWAY_MODEL_VERSION,
  digest: env.SLIPWAY_DIGEST,
  environment: env.SLIPWAY_ENVIRONMENT,
  functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
});
