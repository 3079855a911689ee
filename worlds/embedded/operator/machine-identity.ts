import { hostname, userInfo } from "node:os";
import type { Operator } from "#domain/policy/platform-policy.ts";
import { runGit } from "#platform/source/run-git.ts";

/** The account that runs the command; the operating system authenticates it. A container may run under a uid that has no name. */
export const readMachineAccount = (): { readonly username: string; readonly uid: number } => {
  try {
    return userInfo();
  } catch {
    const uid = process.getuid?.() ?? -1;
    return { username: `user-${uid}`, uid };
  }
};

/** git's user.email in a folder; undefined: none is set. Everybody sets their own, so it proves nothing. */
const readGitEmail = async (folder: string): Promise<string | undefined> => {
  const { code, stdout } = await runGit(folder)(["config", "--get", "user.email"]);
  const email = code === 0 ? stdout.toString("utf8").trim() : "";
  return email === "" ? undefined : email;
};

/** Who starts deliveries on this machine: git's address in this repository, otherwise the account. */
export const readMachineCaller = async (repository: string): Promise<string> =>
  (await readGitEmail(repository)) ?? `${readMachineAccount().username}@${hostname().split(".")[0]}.local`;

/**
 * Who changes the platform's policy on this machine: the account, because the operating system authenticates it. The
 * name also shows git's address, which proves nothing.
 */
export const readMachineOperator = async (): Promise<Operator> => {
  const { username, uid } = readMachineAccount();
  const email = await readGitEmail(process.cwd()).catch(() => undefined);
  const name = `${username}@${hostname()}`;
  return { id: `os:${uid}:${name}`, name: email === undefined ? name : `${name} (git: ${email})` };
};
