import * as z from "zod";
import { ManifestInvalid } from "#model-folder/manifest/folder-problem.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { defaultTrialLimits } from "./default-trial-limits.ts";
import { FolderProblems } from "./folder-problems-schema.ts";
import { type ResourceLimits, runLimitedProcess } from "./run-limited-process.ts";

const outputBytes = 1_024 * 1_024;

/** What serve-trial-process.ts found. */
export const ModelTrialResult = z.discriminatedUnion("status", [
  z.object({ status: z.literal("answered") }),
  z.object({ status: z.literal("invalid"), problems: FolderProblems }),
  z.object({ status: z.literal("failed"), message: z.string() }),
]);
export type ModelTrialResult = z.infer<typeof ModelTrialResult>;

/**
 * Reads a model's folder and lets it answer a row in a process with limits, as the check does, before anything here
 * opens it: within this process a graph that loops for ever could not be stopped. Needs no golden vectors and no
 * holdout. Throws ManifestInvalid or ModelUnreadable.
 */
export const runModelTrial = async (
  folder: string,
  limits: Pick<ResourceLimits, "seconds" | "residentMb"> = defaultTrialLimits,
): Promise<void> => {
  let found: ModelTrialResult | undefined;
  const broken = await runLimitedProcess({
    program: new URL("model-trial-process.ts", import.meta.url),
    args: [folder],
    files: new Map(),
    limits: { ...limits, outputBytes },
    message: ModelTrialResult,
    onMessage: (message) => {
      found = message;
      return undefined;
    },
  });
  if (!found)
    throw new ModelUnreadable(`the model does not answer a row: ${broken ?? "it ended without a word"}`);
  switch (found.status) {
    case "answered":
      return;
    case "invalid":
      throw new ManifestInvalid(found.problems);
    case "failed":
      throw new ModelUnreadable(found.message);
    default:
      found satisfies never;
  }
};
