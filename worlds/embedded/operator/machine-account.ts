import { userInfo } from "node:os";
import { runGit } from "#platform/source/run-git.ts";

/** The account that the operating system vouches for; a container may run under a number that has none. */
export const readMachineAccount = (): { readonly username: string; readonly uid: number } => {
  try {
    return userInfo();
  } catch {
    const uid = process.getuid?.() ?? -1;
    return { username: `user-${uid}`, uid };
  }
};

/** The address that git is set to in a folder; everybody sets their own, so it proves nothing. Undefined: none. */
export const readGitEmail = async (folder: string): Promise<string | undefined> => {
  const { code, stdout } = await runGit(folder)(["config", "--get", "user.email"]);
  const email = code === 0 ? stdout.toString("utf8").trim() : "";
  return email === "" ? undefined : email;
};
