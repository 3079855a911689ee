import type { Golden, Prediction } from "../../inference/manifest.ts";
import type { Check } from "../../statemachine/contracts.ts";

export const goldenCheck = (_: {
  readonly golden: Golden;
  readonly answered: readonly (Prediction | undefined)[];
}): Check => {
  throw new Error("follows");
};
