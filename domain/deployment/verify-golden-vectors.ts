import { GoldenVectorsDiffer } from "#domain/delivery/errors.ts";
import { checkGolden } from "#domain/gates/check-golden.ts";
import type { Check } from "#domain/gates/verdict.ts";
import type { Golden } from "#model-folder/manifest/manifest.ts";
import type { Serving } from "#platform/serving/serving.ts";
import { invokeModelInBatches } from "./invoke-model.ts";

/** Asks a deployed version its golden rows. Throws GoldenVectorsDiffer unless it answers as at training. */
export const verifyGoldenVectors =
  (serving: Pick<Serving, "invoke">) =>
  async (model: string, qualifier: "live" | { readonly version: string }, golden: Golden): Promise<Check> => {
    const check = checkGolden({
      golden,
      answered: await invokeModelInBatches(serving)(model, qualifier, golden.rows),
    });
    if (check.verdict !== "pass") throw new GoldenVectorsDiffer(check.detail);
    return check;
  };
