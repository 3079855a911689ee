import type { DoctorFinding } from "./finding.ts";
import type { RepositoryRules } from "./read-repository-rules.ts";

/**
 * MB that every account's functions may have. AWS raises it to 10,240 with use or on request, and has no call that
 * returns it. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
const memoryOfNewAccounts = 3_008;

/** Compares the memory that the manifests ask for with what a new account allows. */
export const checkMemory = ({ models, where }: Pick<RepositoryRules, "models" | "where">): DoctorFinding => {
  const large = models.filter(({ memoryMb }) => memoryMb > memoryOfNewAccounts);
  return large.length === 0
    ? {
        status: "ok",
        sentence: `No model of ${where} asks for more than the ${memoryOfNewAccounts} MB that new accounts allow a function; Slipway's own functions need less.`,
      }
    : {
        status: "warning",
        sentence: `${large.map(({ name, memoryMb }) => `${name} (${memoryMb} MB)`).join(", ")}: a new account allows a function at most ${memoryOfNewAccounts} MB, and AWS has no call that returns the quota.`,
        remedy:
          "Create a function of that size once in stage and prod (`aws lambda create-function --memory-size …`). If AWS refuses it, ask for more in a support case, or lower resources.memoryMb in the manifest.",
      };
};
