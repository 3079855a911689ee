import type { DoctorFinding } from "./finding.ts";

/** Says that nothing but names separates stage from prod. Undefined: each environment has an account of its own. */
export const checkTrial = ({
  stage,
  prod,
}: {
  readonly stage: string;
  readonly prod: string;
}): DoctorFinding | undefined =>
  stage === prod
    ? {
        status: "warning",
        sentence: `Trial: stage and prod share an account, ${stage}. Whoever administers it reaches both, they share one key and one quota, and every approval says so.`,
        remedy:
          "Nothing, for a trial. Before real traffic give each environment its own account (docs/infrastructure.md, A trial in one account).",
      }
    : undefined;
