import * as z from "zod";

export const Verdict = z.enum(["pass", "fail", "inconclusive"]);
export type Verdict = z.infer<typeof Verdict>;

/** One measured result of one gate. */
export const Check = z.object({
  name: z.string(),
  verdict: Verdict,
  measured: z.number().nullable(),
  limit: z.number().nullable(),
  unit: z.string(),
  /** One sentence for the approver: intervals, counts, why it is inconclusive or was omitted. */
  detail: z.string(),
});
export type Check = z.infer<typeof Check>;

type Ends = { readonly low: number; readonly high: number };

/**
 * Judges a challenger by the interval of its paired difference to the champion (challenger − champion, higher
 * is better): pass when the whole interval lies at or above −margin, fail when it lies below, inconclusive
 * when it spans −margin. This is the non-inferiority rule of Piaggio et al., JAMA 2012;308(24):2594
 * (figure 1). Ends that are not numbers are inconclusive.
 */
export const judgeDifference = ({ low, high, margin }: Ends & { readonly margin: number }): Verdict =>
  low >= -margin ? "pass" : high < -margin ? "fail" : "inconclusive";

/**
 * The mirror of `judgeDifference` for what must stay low (challenger − champion, lower is better): pass when
 * the whole interval lies at or below the limit, fail when it lies above it, inconclusive otherwise.
 */
export const judgeAtMost = ({ low, high, limit }: Ends & { readonly limit: number }): Verdict =>
  high <= limit ? "pass" : low > limit ? "fail" : "inconclusive";

/** One fail fails all, then one inconclusive leaves all open. Nothing judged is inconclusive, never a pass. */
export const pickWorstVerdict = (verdicts: readonly Verdict[]): Verdict => {
  if (verdicts.includes("fail")) return "fail";
  return verdicts.length === 0 || verdicts.includes("inconclusive") ? "inconclusive" : "pass";
};

/** The verdict of all checks together; without a single check it is inconclusive. */
export const combineVerdicts = (checks: readonly Check[]): Verdict =>
  pickWorstVerdict(checks.map(({ verdict }) => verdict));

/** What was measured, and what could not be and why: the approver is shown both. */
export type CheckResults = {
  readonly checks: readonly Check[];
  readonly omitted: readonly { readonly name: string; readonly why: string }[];
};
