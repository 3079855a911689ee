import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { ManifestInvalid } from "#model-folder/manifest/folder-problem.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { FolderProblems } from "./folder-problems-schema.ts";
import { type ResourceLimits, runLimitedProcess } from "./run-limited-process.ts";
import { scaleTrialLimits } from "./scale-trial-limits.ts";

const outputBytes = 1_024 * 1_024;

/** The result of model-trial-process.ts. */
export const ModelTrialResult = z.discriminatedUnion("status", [
  z.object({ status: z.literal("answered") }),
  z.object({ status: z.literal("invalid"), problems: FolderProblems }),
  z.object({ status: z.literal("failed"), message: z.string() }),
]);
export type ModelTrialResult = z.infer<typeof ModelTrialResult>;

/** A trial reads and runs in one go. */
const scaleLimits = async (folder: string): Promise<Pick<ResourceLimits, "seconds" | "residentMb">> => {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".onnx"));
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  const { seconds, residentMb, readSeconds } = scaleTrialLimits(Math.max(0, ...sizes));
  return { seconds: seconds + readSeconds, residentMb };
};

/**
 * Loads a model's folder and predicts one row in a process with limits, before this process opens it: here an endless
 * graph could not be stopped. Needs no golden vectors and no holdout. Throws ManifestInvalid or ModelUnreadable.
 */
export const runModelTrial = async (
  folder: string,
  limits?: Pick<ResourceLimits, "seconds" | "residentMb">,
): Promise<void> => {
  let result: ModelTrialResult | undefined;
  const failure = await runLimitedProcess({
    program: new URL("model-trial-process.ts", import.meta.url),
    args: [folder],
    files: new Map(),
    limits: { ...(limits ?? (await scaleLimits(folder))), outputBytes },
    message: ModelTrialResult,
    onMessage: (message) => {
      result = message;
      return undefined;
    },
  });
  if (!result)
    throw new ModelUnreadable(`the model cannot predict a row: ${failure ?? "it ended without a result"}`);
  switch (result.status) {
    case "answered":
      return;
    case "invalid":
      throw new ManifestInvalid(result.problems);
    case "failed":
      throw new ModelUnreadable(result.message);
    default:
      result satisfies never;
  }
};
