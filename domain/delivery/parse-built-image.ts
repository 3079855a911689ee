import * as z from "zod";
import { Digest } from "#platform/images/images.ts";
import { ContractBroken } from "./errors.ts";

/** CodeBuild's form of what a build exports: `Build.ExportedEnvironmentVariables`. */
export const ExportedVariables = z.array(z.object({ Name: z.string(), Value: z.string() }));
/** What those variables say, read by each step that needs it. */
export const BuiltImage = z.object({
  digest: Digest,
  sizeBytes: z.int().positive(),
  buildId: z.string(),
  /** Epoch milliseconds: the scan's deadline counts from here. */
  builtAt: z.int(),
});
export type BuiltImage = z.infer<typeof BuiltImage>;

/** Names of the variables that a build exports (buildspec.yml and the embedded builder). */
export const buildVariables = {
  digest: "SLIPWAY_DIGEST",
  sizeBytes: "SLIPWAY_SIZE_BYTES",
  buildId: "SLIPWAY_BUILD_ID",
  builtAt: "SLIPWAY_BUILT_AT",
  /** Set by a build whose check failed: the error's name and cause, which the delivery ends with. */
  error: "SLIPWAY_ERROR",
  cause: "SLIPWAY_CAUSE",
} as const;

/** What a build exported, read from CodeBuild's list of variables. */
export const parseBuiltImage = (variables: z.infer<typeof ExportedVariables>): BuiltImage => {
  // CodeBuild exports a variable that was never set as an empty one, and Number("") is 0.
  const value = (name: string) => variables.find(({ Name }) => Name === name)?.Value || undefined;
  const built = BuiltImage.safeParse({
    digest: value(buildVariables.digest),
    sizeBytes: Number(value(buildVariables.sizeBytes)),
    buildId: value(buildVariables.buildId),
    builtAt: Number(value(buildVariables.builtAt)),
  });
  if (!built.success) throw new ContractBroken(`the build exported no usable image: ${built.error.message}`);
  return built.data;
};
