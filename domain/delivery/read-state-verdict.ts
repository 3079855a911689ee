import * as z from "zod";
import { Omission, Verdict } from "#domain/gates/verdict.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

const Judged = z.object({
  verdict: Verdict,
  checks: z.array(z.object({ name: z.string(), verdict: Verdict })).default([]),
  omitted: z.array(Omission).default([]),
});

/**
 * The verdict of a state of a delivery and the checks that failed, from the execution's data after it; undefined: the state judges nothing. A state
 * whose verdict is `fail` has succeeded as a state, because a verdict is data. `omitted`: set where it checked nothing at all, which its verdict
 * calls inconclusive. A round of a canary that only waits has checked and omitted nothing: that is no verdict.
 */
export const readStateVerdict = (
  state: string,
  output: unknown,
):
  | {
      readonly verdict: Verdict;
      readonly failed: readonly string[];
      readonly omitted?: readonly Omission[];
    }
  | undefined => {
  const data = z.record(z.string(), z.unknown()).safeParse(output);
  const judged = Judged.safeParse(data.success ? getOwnProperty(data.data, state) : undefined);
  if (!judged.success) return undefined;
  const { verdict, checks, omitted } = judged.data;
  if (verdict === "inconclusive" && checks.length === 0 && omitted.length === 0) return undefined;
  return {
    verdict,
    failed: checks.filter((check) => check.verdict === "fail").map(({ name }) => name),
    ...(checks.length === 0 && omitted.length > 0 ? { omitted } : {}),
  };
};
