import { hostname } from "node:os";
import type { Operator } from "#domain/policy/platform-policy.ts";
import { readGitEmail, readMachineAccount } from "./machine-account.ts";

/**
 * Who writes the platform's policy on this machine: the account, which the operating system vouches for. The address
 * that git is set to is shown beside it and proves nothing: everybody sets their own.
 */
export const readMachineOperator = async (): Promise<Operator> => {
  const { username, uid } = readMachineAccount();
  const email = await readGitEmail(process.cwd()).catch(() => undefined);
  const name = `${username}@${hostname()}`;
  return { id: `os:${uid}:${name}`, name: email === undefined ? name : `${name} (git: ${email})` };
};
