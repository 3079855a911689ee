import { hostname } from "node:os";
import { readGitEmail, readMachineAccount } from "./machine-account.ts";

/** Who works on this machine: the address that git would commit by in this repository, else the account. */
export const readMachineCaller = async (repository: string): Promise<string> =>
  (await readGitEmail(repository)) ?? `${readMachineAccount().username}@${hostname().split(".")[0]}.local`;
