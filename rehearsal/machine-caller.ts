import { hostname, userInfo } from "node:os";
import { runGit } from "../platform/source/run-git.ts";

/** Who works on this machine: the address that git would commit by in this repository, else the account. */
export const machineCaller = async (repository: string): Promise<string> => {
  const { code, stdout } = await runGit(repository)(["config", "--get", "user.email"]);
  const email = stdout.toString("utf8").trim();
  if (code === 0 && email !== "") return email;
  return `${userInfo().username}@${hostname().split(".")[0]}.local`;
};
