import { hostname, userInfo } from "node:os";
import type { Operator } from "../domain/policy/platform-policy.ts";
import { runGit } from "../platform/source/run-git.ts";

/** A container may run under a number that has no account. */
const account = (): { readonly username: string; readonly uid: number } => {
  try {
    return userInfo();
  } catch {
    const uid = process.getuid?.() ?? -1;
    return { username: `user-${uid}`, uid };
  }
};

/**
 * Who writes the platform's policy on this machine: the account, which the operating system vouches for. The address
 * that git is set to is shown beside it and proves nothing: everybody sets their own.
 */
export const machineOperator = async (): Promise<Operator> => {
  const { username, uid } = account();
  const { code, stdout } = await runGit(process.cwd())(["config", "user.email"]).catch(() => ({
    code: 1,
    stdout: Buffer.alloc(0),
  }));
  const email = code === 0 ? stdout.toString("utf8").trim() : "";
  const name = `${username}@${hostname()}`;
  return { id: `os:${uid}:${name}`, name: email === "" ? name : `${name} (git: ${email})` };
};
