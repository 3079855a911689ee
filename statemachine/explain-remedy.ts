import { findRemedy } from "./remedies.ts";

/** What to do about an error of this model's delivery: a command in it names the model, so that it can be typed as it is. */
export const explainRemedy = (
  { name, cause }: { readonly name: string; readonly cause?: string | undefined },
  model: string,
): string =>
  findRemedy(name, cause).replaceAll("models/<name>", `models/${model}`).replaceAll("<model>", model);
