/** How commands end; the README has the same table. */
export const exitCode = {
  ok: 0,
  /** What was asked for did not come about: a check failed, a delivery ended otherwise, nothing to roll back to. */
  failed: 1,
  /** The command line was not understood. */
  usage: 2,
  /** This machine or folder is in the way: port in use, folder not writable, nothing is running, no git. */
  environment: 3,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

/** Errors whose remedy lies in the machine, by name. */
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
  "OutputsMissing",
  "RoleNotAssumed",
  "CredentialsProviderError",
]);

/** What a person asked for wrongly. */
const usageErrors = new Set(["ChangeUnknown", "KeyUnknown", "NotAnApprover", "UsageMistake"]);

export const toExitCode = (fault: unknown): number => {
  const name = fault instanceof Error ? fault.name : "";
  if (usageErrors.has(name)) return exitCode.usage;
  return environmentErrors.has(name) ? exitCode.environment : exitCode.failed;
};
