import * as z from "zod";
import { Prediction } from "../manifest/manifest.ts";
import { type Failed, runTrial, type TrialLimits } from "./run-trial.ts";

/** What became of a model's first run. */
export type Trial = { readonly status: "answered"; readonly predictions: readonly Prediction[] } | Failed;

export type { TrialLimits } from "./run-trial.ts";
export const defaultTrialLimits: TrialLimits = { seconds: 30, residentMb: 1_024 };

const Result = z.discriminatedUnion("status", [
  z.object({ status: z.literal("answered"), predictions: z.array(Prediction) }),
  z.object({ status: z.literal("failed"), message: z.string() }),
]);
const program = new URL("trial-process.ts", import.meta.url);

/** Loads a model and answers its golden rows in a process of its own, with limits on time and memory (runTrial). */
export const tryModel = (
  files: ReadonlyMap<string, Uint8Array>,
  limits: TrialLimits = defaultTrialLimits,
): Promise<Trial> => runTrial({ program, files, limits, result: Result });
