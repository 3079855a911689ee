import { explainAwsSetup } from "./explain-aws-setup.ts";

/** Exit codes of all commands; the README has the same table. */
export const exitCode = {
  ok: 0,
  /** A check failed, a delivery ended with another outcome, or there is no version to roll back to. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** This machine or folder must change first: port in use, folder not writable, no rehearsal runs, no git. */
  environment: 3,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

/** Errors that a change of this machine or folder fixes, by name. */
const environmentErrors = new Set([
  "PortUnusable",
  "DataFolderUnusable",
  "GitFailed",
  "NotRunning",
  "AlreadyRunning",
  "RegistryChanged",
  "RehearsalUnreachable",
  "SecretMissing",
  "ModelFolderExists",
  "ClientNotWritten",
  "OutputsMissing",
  "AuditBucketMissing",
  "RoleNotAssumed",
]);

/** Errors of the command line, by name. */
const usageErrors = new Set([
  "ChangeUnknown",
  "KeyUnknown",
  "ModelUnknown",
  "NoAuditEntries",
  "NotAnApprover",
  "ProposalUnknown",
  "RollbackTargetUnknown",
  "UsageMistake",
]);

export const toExitCode = (error: unknown): number => {
  const name = error instanceof Error ? error.name : "";
  if (name === "Interrupted") return exitCode.interrupted;
  if (usageErrors.has(name)) return exitCode.usage;
  if (explainAwsSetup(error) !== undefined) return exitCode.environment;
  return environmentErrors.has(name) ? exitCode.environment : exitCode.failed;
};
