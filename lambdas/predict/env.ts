import * as z from "zod";
import { ModelName } from "#model-folder/manifest/manifest.ts";
import { getDefaultModelDirectory } from "#worlds/aws/environment/default-model-directory.ts";

/** 32 to 64 random bytes in base64. */
export const HashKey = z
  .base64()
  .transform((text) => Buffer.from(text, "base64"))
  .refine(({ length }) => length >= 32 && length <= 64, "the key has 32 to 64 bytes, in base64");

/** The inference function's environment variables. */
export const Env = z.object({
  /** Folder with model.yaml and the ONNX file; in the image it is next to the bundle. */
  MODEL_DIRECTORY: z.string().min(1).default(getDefaultModelDirectory),
  SLIPWAY_MODEL: ModelName,
  /** The registry's version of the model. */
  SLIPWAY_MODEL_VERSION: z.coerce.number().int().positive(),
  SLIPWAY_DIGEST: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  SLIPWAY_ENVIRONMENT: z.enum(["stage", "prod"]),
  /** Where predictions are recorded; without both, nothing is recorded. */
  RECORDS_TABLE: z.string().min(1).optional(),
  RECORDS_BUCKET: z.string().min(1).optional(),
  /** Key of the hashes of inputs, for a manifest with `records.inputs: hashed`. */
  RECORDS_HASH_KEY: HashKey.optional(),
  /** Name of the SSM parameter that holds the key instead. */
  RECORDS_HASH_KEY_PARAMETER: z.string().min(1).optional(),
  /** Set by Lambda. */
  AWS_LAMBDA_FUNCTION_VERSION: z.string().min(1).default("$LATEST"),
});
export type Env = z.infer<typeof Env>;
