import * as z from "zod";

export const Verdict = z.enum(["pass", "fail", "inconclusive"]);
export type Verdict = z.infer<typeof Verdict>;

export const Check = z.object({
  name: z.string(),
  verdict: Verdict,
  measured: z.number().nullable(),
  limit: z.number().nullable(),
  unit: z.string(),
  /** For the approver: value, limit, interval, count, and why it is inconclusive. No final period. */
  detail: z.string(),
});
export type Check = z.infer<typeof Check>;

type Ends = { readonly low: number; readonly high: number };

/**
 * Judges the interval of a paired difference (challenger − champion, higher is better): pass when the whole interval is at
 * or above −margin, fail when it is below, otherwise inconclusive. The non-inferiority rule of Piaggio et al., JAMA
 * 2012;308(24):2594 (figure 1). NaN is inconclusive.
 */
export const judgeDifference = ({ low, high, margin }: Ends & { readonly margin: number }): Verdict =>
  low >= -margin ? "pass" : high < -margin ? "fail" : "inconclusive";

/**
 * Like `judgeDifference` where lower is better: pass when the whole interval is at or below the limit, fail when it is
 * above, otherwise inconclusive.
 */
export const judgeAtMost = ({ low, high, limit }: Ends & { readonly limit: number }): Verdict =>
  high <= limit ? "pass" : low > limit ? "fail" : "inconclusive";

/** An empty list is inconclusive, never a pass. */
export const pickWorstVerdict = (verdicts: readonly Verdict[]): Verdict => {
  if (verdicts.includes("fail")) return "fail";
  return verdicts.length === 0 || verdicts.includes("inconclusive") ? "inconclusive" : "pass";
};

export const combineVerdicts = (checks: readonly Check[]): Verdict =>
  pickWorstVerdict(checks.map(({ verdict }) => verdict));

/** What was not checked, why, and what makes it checked the next time. */
export const Omission = z.object({ name: z.string(), why: z.string(), remedy: z.string().optional() });
export type Omission = z.infer<typeof Omission>;

/** The approver sees both: the measured checks, and why others are missing. */
export type CheckResults = { readonly checks: readonly Check[]; readonly omitted: readonly Omission[] };
