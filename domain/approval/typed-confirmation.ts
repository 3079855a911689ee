import type { Approval } from "./approval-records.ts";

/** What an approver has to type, and the checks that are the reason. */
export type TypedConfirmation = {
  readonly phrase: string;
  /** Names of the checks without a verdict. */
  readonly checks: readonly string[];
};

/**
 * Checks that proved nothing are easily overlooked, so their approval needs the model's name typed. Undefined: every check
 * has a verdict. It follows from what the approvers saw, so it holds for the buttons of older messages too.
 */
export const findTypedConfirmation = ({
  model,
  evidence,
}: Pick<Approval, "model" | "evidence">): TypedConfirmation | undefined => {
  const checks = evidence.checks.filter(({ verdict }) => verdict === "inconclusive").map(({ name }) => name);
  return checks.length === 0 ? undefined : { phrase: model, checks };
};

/** Phones capitalise the first letter, and names of models have no capitals. */
export const isConfirmed = (
  confirmation: TypedConfirmation | undefined,
  typed: string | undefined,
): boolean => confirmation === undefined || typed?.trim().toLowerCase() === confirmation.phrase;

/** `2 checks are inconclusive (auc, latency p95)`, with at most three names. */
export const describeInconclusive = ({ checks }: TypedConfirmation): string => {
  const names = [...checks.slice(0, 3), ...(checks.length > 3 ? [`${checks.length - 3} more`] : [])];
  return `${checks.length} check${checks.length === 1 ? " is" : "s are"} inconclusive (${names.join(", ")})`;
};
