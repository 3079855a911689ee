import { formatCount } from "./number-format.ts";
import type { Check } from "./verdict.ts";

/**
 * Whether the deployed function answers at all.
 * @param problem the response to the first refused request
 */
export const checkSmoke = ({
  requests,
  answered,
  problem,
}: {
  readonly requests: number;
  readonly answered: number;
  readonly problem?: string | undefined;
}): Check => ({
  name: "smoke",
  verdict: requests === 0 ? "inconclusive" : answered === requests ? "pass" : "fail",
  measured: answered,
  limit: requests,
  unit: "requests",
  detail:
    requests === 0
      ? "no request was sent"
      : `${answered} of ${formatCount(requests, "request")} answered${problem === undefined ? "" : `: ${problem}`}`,
});
