import { GoldenVectorsDiffer } from "#domain/delivery/errors.ts";
import { checkGolden } from "#domain/gates/check-golden.ts";
import type { Check } from "#domain/gates/verdict.ts";
import type { Golden } from "#model-folder/manifest/manifest.ts";
import type { Serving } from "#platform/serving/serving.ts";
import { invokeModelInBatches } from "./invoke-model.ts";

/** Throws GoldenVectorsDiffer unless the deployed version predicts its golden rows as at training. */
export const verifyGoldenVectors =
  (serving: Pick<Serving, "invoke">) =>
  async (model: string, qualifier: "live" | { readonly version: string }, golden: Golden): Promise<Check> => {
    const check = checkGolden({
      golden,
      predictions: await invokeModelInBatches(serving)(model, qualifier, golden.rows),
    });
    if (check.verdict !== "pass") throw new GoldenVectorsDiffer(check.detail);
    return check;
  };
