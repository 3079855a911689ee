import type { Check, Verdict } from "#statemachine/contracts.ts";
import { worst } from "./verdict.ts";

/** The verdict of all checks together; without a single check it is inconclusive. */
export const verdictOf = (checks: readonly Check[]): Verdict => worst(checks.map(({ verdict }) => verdict));
