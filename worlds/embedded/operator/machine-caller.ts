import { hostname } from "node:os";
import { gitEmail, machineAccount } from "./machine-account.ts";

/** Who works on this machine: the address that git would commit by in this repository, else the account. */
export const machineCaller = async (repository: string): Promise<string> =>
  (await gitEmail(repository)) ?? `${machineAccount().username}@${hostname().split(".")[0]}.local`;
