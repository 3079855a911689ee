import { redactError } from "#worlds/aws/redact-error.ts";
import type { SmokeCheck, SmokeResult } from "./smoke-check.ts";

export type SmokeOutcome = Pick<SmokeCheck, "behaviour" | "expected"> & SmokeResult;

type Needs = {
  readonly checks: readonly SmokeCheck[];
  /** Whether checks may write. */
  readonly consent: boolean;
  /** The address of the server in AWS's place, where one is set. */
  readonly imitation: string | undefined;
  readonly onOutcome: (outcome: SmokeOutcome) => void;
  /** Aborted by Ctrl-C: no further check begins, and what was created is removed. */
  readonly signal: AbortSignal;
};

const deniedErrors = /^(AccessDenied\w*|UnauthorizedOperation|Forbidden|PermissionMissing|RoleNotAssumed)$/;

const toErrorResult = (error: unknown): SmokeResult => {
  const { name, message } = redactError(error, 300);
  return deniedErrors.test(name)
    ? { status: "not checked", actual: `you have no right to see it: ${message}` }
    : { status: "fail", actual: `${name}: ${message}` };
};

const runCheck = async (
  { behaviour, expected, run, aboutAws, writes }: SmokeCheck,
  { consent, imitation, signal }: Pick<Needs, "consent" | "imitation" | "signal">,
): Promise<SmokeOutcome> => {
  const named = { behaviour, expected };
  if (signal.aborted) return { ...named, status: "not checked", actual: "interrupted" };
  if (writes !== undefined && !consent)
    return { ...named, status: "not checked", actual: `it ${writes}: run again with --yes` };
  const cleanUps: { readonly what: string; readonly remove: () => Promise<unknown> }[] = [];
  let result = await run((what, remove) => cleanUps.push({ what, remove })).catch(toErrorResult);
  for (const { what, remove } of cleanUps.toReversed())
    try {
      await remove();
    } catch (error) {
      const { name, message } = redactError(error, 300);
      result = { status: "fail", actual: `${what} was left behind, remove it: ${name}: ${message}` };
    }
  if (signal.aborted) return { ...named, status: "not checked", actual: "interrupted; cleaned up" };
  if (imitation === undefined || !aboutAws || result.status === "not checked") return { ...named, ...result };
  const { status, actual } = result;
  return { ...named, status: "not checked", actual: `${imitation} is not AWS; there: ${status}, ${actual}` };
};

/** Runs the checks one after the other. After each one what it created is removed, also after Ctrl-C. Never throws. */
export const runSmokeChecks = async (needs: Needs): Promise<readonly SmokeOutcome[]> => {
  const outcomes: SmokeOutcome[] = [];
  for (const check of needs.checks) {
    const outcome = await runCheck(check, needs);
    outcomes.push(outcome);
    needs.onOutcome(outcome);
  }
  return outcomes;
};
