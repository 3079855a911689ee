import * as z from "zod";
import { Digest } from "#platform/images/images.ts";
import { ContractBroken } from "./errors.ts";

/** As in CodeBuild's `Build.ExportedEnvironmentVariables`. */
export const ExportedVariables = z.array(z.object({ Name: z.string(), Value: z.string() }));
export const BuiltImage = z.object({
  digest: Digest,
  sizeBytes: z.int().positive(),
  buildId: z.string(),
  /** Epoch milliseconds. The scan's deadline counts from here. */
  builtAt: z.int(),
});
export type BuiltImage = z.infer<typeof BuiltImage>;

/** buildspec.yml and the embedded builder export them. */
export const buildVariables = {
  digest: "SLIPWAY_DIGEST",
  sizeBytes: "SLIPWAY_SIZE_BYTES",
  buildId: "SLIPWAY_BUILD_ID",
  builtAt: "SLIPWAY_BUILT_AT",
  /** Error name and cause of a failed check: the delivery ends with them. */
  error: "SLIPWAY_ERROR",
  cause: "SLIPWAY_CAUSE",
} as const;

/** Throws ContractBroken. */
export const parseBuiltImage = (variables: z.infer<typeof ExportedVariables>): BuiltImage => {
  // CodeBuild exports an unset variable as an empty one, and Number("") is 0.
  const value = (name: string) => variables.find(({ Name }) => Name === name)?.Value || undefined;
  const image = BuiltImage.safeParse({
    digest: value(buildVariables.digest),
    sizeBytes: Number(value(buildVariables.sizeBytes)),
    buildId: value(buildVariables.buildId),
    builtAt: Number(value(buildVariables.builtAt)),
  });
  if (!image.success) throw new ContractBroken(`the build exported no valid image: ${image.error.message}`);
  return image.data;
};
