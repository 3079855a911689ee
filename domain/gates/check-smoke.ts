import type { Check } from "./verdict.ts";

/** Whether the deployed function answers at all. `problem` is what the first refused request was told. */
export const checkSmoke = ({
  asked,
  answered,
  problem,
}: {
  readonly asked: number;
  readonly answered: number;
  readonly problem?: string | undefined;
}): Check => ({
  name: "smoke",
  verdict: asked === 0 ? "inconclusive" : answered === asked ? "pass" : "fail",
  measured: answered,
  limit: asked,
  unit: "requests",
  detail:
    asked === 0
      ? "The function was asked nothing, so nothing is known of it."
      : answered === asked
        ? `The deployed function answered ${asked === 1 ? "its first request" : `all of its first ${asked} requests`}.`
        : `The deployed function answered ${answered} of ${asked} requests${problem === undefined ? "" : `: ${problem}`}.`,
});
