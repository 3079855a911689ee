import { type FSWatcher, watch } from "node:fs";
import { cp, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runGit } from "#platform/source/run-git.ts";

type CommitAuthor = { readonly name: string; readonly email: string };

/** The repository's name in execution names. */
export const repositoryName = "rehearsal";

/** The author of a rehearsal's commits. */
const defaultAuthor: CommitAuthor = { name: "Sam Carter", email: "sam.carter@example.com" };

/** The changes that a rehearsal can commit to a model's folder. */
export const modelChanges = ["first", "second", "better", "worse", "broken"] as const;
export type ModelChange = (typeof modelChanges)[number];

export class ChangeUnknown extends Error {
  override readonly name = "ChangeUnknown";
}

/** The first bytes of an ONNX file, which are not a valid model. */
const brokenBytes = 1_000;

const pathExists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

/**
 * The git repository that a rehearsal watches.
 * @param checkout Slipway's folder, which has the models and their trained versions
 */
export const createWatchedRepository = ({ folder, checkout }: { folder: string; checkout: string }) => {
  const git = runGit(folder);
  const runOrThrow = async (args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await git(args);
    if (code !== 0) throw new Error(`git ${args.join(" ")} in ${folder}: ${stderr.trim()}`);
    return stdout.toString("utf8").trim();
  };
  const versionFolder = (model: string, change: ModelChange) =>
    join(checkout, "seed", model, "versions", change);

  const head = async (): Promise<string | undefined> => {
    const { code, stdout } = await git(["rev-parse", "--verify", "--quiet", "HEAD"]);
    return code === 0 ? stdout.toString("utf8").trim() : undefined;
  };

  const commitAll = async (message: string, author: CommitAuthor): Promise<string | undefined> => {
    await runOrThrow(["add", "--all"]);
    if ((await git(["diff", "--cached", "--quiet"])).code === 0) return undefined;
    const identity = ["-c", `user.name=${author.name}`, "-c", `user.email=${author.email}`];
    await runOrThrow([
      ...identity,
      "-c",
      "commit.gpgsign=false",
      "commit",
      "--quiet",
      "--no-verify",
      "-m",
      message,
    ]);
    return head();
  };

  return {
    folder,
    head,

    /** Creates a missing repository; its first commit holds the policy and no model. */
    prepare: async (): Promise<void> => {
      await mkdir(folder, { recursive: true });
      if (!(await pathExists(join(folder, ".git"))))
        await runOrThrow(["init", "--quiet", "--initial-branch=main"]);
      // A git process that was killed with a rehearsal leaves the lock; no other process writes here during the start.
      await rm(join(folder, ".git", "index.lock"), { force: true });
      if (await head()) return;
      await cp(join(checkout, "policy.yaml"), join(folder, "policy.yaml"));
      await writeFile(join(folder, ".gitattributes"), "*.csv -text\n*.onnx binary\n");
      await commitAll("The platform's policy", { name: "Platform team", email: "platform@example.com" });
    },

    /** Commits a trained version of a model, or a broken file; undefined: the repository has it already. */
    commitChange: async (
      model: string,
      change: ModelChange,
      author: CommitAuthor = defaultAuthor,
    ): Promise<string | undefined> => {
      const target = join(folder, "models", model);
      if (change === "first") {
        const first = join(checkout, "models", model);
        if (!(await pathExists(join(first, "model.yaml"))))
          throw new ChangeUnknown(`there is no model ${model}: models/${model}/model.yaml is missing`);
        await rm(target, { recursive: true, force: true });
        await cp(first, target, { recursive: true });
      } else if (change === "broken") {
        const onnx = join(target, "model.onnx");
        if (!(await pathExists(onnx))) throw new ChangeUnknown(`${model} has no model.onnx in ${folder} yet`);
        await writeFile(onnx, (await readFile(onnx)).subarray(0, brokenBytes));
      } else {
        const version = versionFolder(model, change);
        if (!(await pathExists(version)))
          throw new ChangeUnknown(`${model} has no version "${change}" (${version} is missing)`);
        if (!(await pathExists(join(target, "model.yaml"))))
          throw new ChangeUnknown(`${folder} has no ${model} yet: commit its first version first`);
        await cp(version, target, { recursive: true });
      }
      return commitAll(`${model}: ${commitSubjects[change]}`, author);
    },

    /** Whether the model has a trained version of this name. */
    hasVersion: (model: string, change: ModelChange) => pathExists(versionFolder(model, change)),

    /** Calls `onPush` when the branch has moved. */
    watch: (onPush: () => void): { close: () => void } => {
      // git writes the log before it moves the branch, so a watcher of the log alone may run too early.
      const watchers: FSWatcher[] = ["logs", join("refs", "heads")].map((part) =>
        watch(join(folder, ".git", part), { persistent: false }, onPush),
      );
      return { close: () => watchers.forEach((watcher) => void watcher.close()) };
    },
  };
};
export type WatchedRepository = ReturnType<typeof createWatchedRepository>;

const commitSubjects: Readonly<Record<ModelChange, string>> = {
  first: "the first version",
  second: "tuned by cross-validation",
  better: "a wider search",
  worse: "trained on too little data",
  broken: "an interrupted export",
};
