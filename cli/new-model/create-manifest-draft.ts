import type { Gates } from "#model-folder/manifest/manifest.ts";
import type { NewManifest } from "./format-manifest.ts";
import type { InferredOutput } from "./infer-output.ts";
import type { ModelSource } from "./model-source.ts";
import type { Tokenizer } from "./probe-model.ts";
import type { GraphRun } from "./run-graph-on-rows.ts";
import type { InferredTask } from "./task-evidence.ts";

/** For a manifest that is read before anything was measured. */
export const anyGates: Gates = {
  latencyP95Ms: 1,
  imageSizeMb: 1,
  vulnerabilities: { critical: 0, high: 0 },
};

/** Returns a function that completes the manifest with the gates, and with what was measured in words. */
export const createManifestDraft = (
  source: ModelSource,
  matchGuesses: readonly string[],
  run: GraphRun,
  output: InferredOutput | InferredTask,
  tokenizer: Tokenizer | undefined,
) => {
  const { name, owner, approvers, policyApprovers } = source;
  return (gates: Gates, measured: string): NewManifest => ({
    name,
    owner: owner ?? "owner@example.com",
    isOwnerGuessed: owner === undefined,
    inputs: run.inputs,
    inputGuesses: matchGuesses,
    output,
    gates,
    measured,
    approvers: approvers.length > 0 ? approvers : policyApprovers,
    areApproversGuessed: approvers.length === 0,
    ...(tokenizer ? { tokenizer: tokenizer.rules } : {}),
  });
};
