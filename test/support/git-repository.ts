import { execFileSync } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { FileChanges } from "#test/contracts/source.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";

const identity = [
  "-c",
  "user.name=Ada Lovelace",
  "-c",
  "user.email=ada@example.com",
  "-c",
  "commit.gpgSign=false",
];
/** Without the caller's variables: in a git hook they would point these tests at the repository of the hook. */
export const gitEnvironment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_")),
);

/** A git repository in a temporary folder. */
export const createGitRepository = async () => {
  const folder = await createTemporaryFolder();
  const git = (...args: string[]): Buffer =>
    execFileSync("git", [...identity, ...args], {
      cwd: folder.path,
      env: gitEnvironment,
      maxBuffer: 64 * 1024 * 1024,
      stdio: ["ignore", "pipe", "ignore"],
    });
  git("init", "--quiet", "--initial-branch=main");
  const commit = async (changes: FileChanges, message: string): Promise<string> => {
    for (const [path, content] of Object.entries(changes)) {
      const file = join(folder.path, path);
      if (content === null) await rm(file);
      else {
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, content);
      }
    }
    git("-c", "core.autocrlf=false", "add", "--all");
    git("commit", "--quiet", "--message", message);
    return git("rev-parse", "HEAD").toString("utf8").trim();
  };
  return { path: folder.path, git, commit, remove: folder.remove };
};
