import type { Accounts } from "#terraform/read-config.ts";

/** The configuration as a trial: all three roles in tooling's account. */
export const trialAccounts = ({ tooling, stage, prod }: Accounts): Accounts => ({
  tooling: { ...tooling, trial: true },
  stage: { ...stage, account: tooling.account },
  prod: { ...prod, account: tooling.account },
});
