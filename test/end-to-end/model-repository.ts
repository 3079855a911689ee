import { spawnSync } from "node:child_process";
import { copyFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Fixture, repositoryRoot } from "./fixture.ts";

/** Commits to the watched repository by hand, as a person with git and an editor. */
export const openModelRepository = ({ repository }: Pick<Fixture, "repository">) => {
  const git = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync("git", ["-C", repository, ...args], { encoding: "utf8" });
    if (status !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  };
  return {
    head: () => git("rev-parse", "HEAD"),
    /** A file of the model's folder. */
    file: (name: string) => join(repository, "models", "churn", name),
    /** Restores the model's folder from a commit, without a new commit. */
    restore: (commit: string) => void git("checkout", "--quiet", commit, "--", "models/churn"),
    /** Copies a trained version into the model's folder, without a commit. */
    useTrained: (version: string) => {
      const from = join(repositoryRoot, "seed", "churn", "versions", version);
      for (const name of readdirSync(from))
        copyFileSync(join(from, name), join(repository, "models", "churn", name));
    },
    commit: (message: string): string => {
      git("add", "--all");
      git(
        ...["-c", "user.name=Sam Carter", "-c", "user.email=sam.carter@example.com"],
        ...["-c", "commit.gpgsign=false", "commit", "--quiet", "-m", message],
      );
      return git("rev-parse", "HEAD");
    },
  };
};
