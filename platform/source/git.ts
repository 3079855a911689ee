import { GitFailed, type GitOptions, runGit } from "./run-git.ts";
import { CommitNotFound, ModelFilesRefused, type Source } from "./source.ts";
import { isInside, isRevision, modelLimitBytes, refuseEntry, refuseTooMuch } from "./source-rules.ts";

type Entry = {
  readonly mode: string;
  readonly type: string;
  readonly id: string;
  readonly bytes: number;
  readonly path: string;
};

const listed = (stdout: Buffer): readonly string[] =>
  stdout
    .toString("utf8")
    .split("\0")
    .filter((part) => part !== "");

/** One line of `ls-tree -l -z`: mode, type, id, size or `-`, a tab, the path. */
const entryOf = (line: string): Entry => {
  const [, mode = "", type = "", id = "", size = "", path = ""] =
    /^(\d+) (\w+) ([0-9a-f]+) +(\d+|-)\t(.*)$/s.exec(line) ?? [];
  if (path === "") throw new GitFailed(`git listed a tree in a form that is not known here: ${line}`);
  return { mode, type, id, bytes: size === "-" ? 0 : Number(size), path };
};

const refuseUnfit = (model: string, entries: readonly Entry[]): void => {
  for (const { mode, path } of entries) {
    if (mode === "120000") refuseEntry(model, path, "a symbolic link");
    if (mode === "160000") refuseEntry(model, path, "a submodule");
    if (path.includes("\uFFFD")) {
      throw new ModelFilesRefused(`The name of ${path} is not UTF-8: rename it.`);
    }
  }
  refuseTooMuch(
    model,
    entries.reduce((sum, { bytes }) => sum + bytes, 0),
  );
};

/** The contents in the answer of `cat-file --batch`: per object a line `<id> <type> <size>`, the bytes, a newline. */
const contentsOf = (answer: Buffer, entries: readonly Entry[]): readonly Uint8Array[] => {
  let at = 0;
  return entries.map((entry) => {
    const lineEnd = answer.indexOf(0x0a, at);
    const header = answer.toString("utf8", at, lineEnd);
    if (lineEnd < 0 || header !== `${entry.id} blob ${entry.bytes}`) {
      throw new GitFailed(`git could not read ${entry.path}: ${header}. Run \`git fsck\`.`);
    }
    at = lineEnd + 1 + entry.bytes + 1;
    return new Uint8Array(answer.subarray(lineEnd + 1, at - 1));
  });
};

/** The repository in a local folder (a clone or a bare one), read with the `git` command. */
export const gitSource = (needs: { readonly repository: string }): Source => {
  const git = runGit(needs.repository);

  const succeed = async (args: readonly string[], options?: GitOptions): Promise<Buffer> => {
    const { code, stdout, stderr } = await git(args, options);
    if (code !== 0)
      throw new GitFailed(`git ${args[0]} ended with ${code} in ${needs.repository}: ${stderr}`);
    return stdout;
  };

  const resolve = async (revision: string): Promise<string> => {
    const notFound = () =>
      new CommitNotFound(`There is no commit ${JSON.stringify(revision)} in ${needs.repository}.`);
    if (!isRevision(revision)) throw notFound();
    const { code, stdout } = await git([
      "rev-parse",
      "--verify",
      "--quiet",
      "--end-of-options",
      `${revision}^{commit}`,
    ]);
    const id = stdout.toString("utf8").trim();
    if (code !== 0 || !/^[0-9a-f]{40}$/.test(id)) throw notFound();
    return id;
  };

  const entries = async (commit: string, path: string, recursive: boolean): Promise<readonly Entry[]> => {
    const id = await resolve(commit);
    const flags = ["-z", "-l", "--full-tree", ...(recursive ? ["-r"] : [])];
    return listed(await succeed(["ls-tree", ...flags, id, "--", path])).map(entryOf);
  };

  const contents = async (wanted: readonly Entry[]): Promise<readonly Uint8Array[]> => {
    const input = wanted.map(({ id }) => `${id}\n`).join("");
    const maxBytes = wanted.reduce((sum, { bytes }) => sum + bytes + 128, 1_024);
    return contentsOf(await succeed(["cat-file", "--batch"], { input, maxBytes }), wanted);
  };

  return {
    commit: async (revision) => {
      const id = await resolve(revision);
      const format = "--format=%an%x00%ae%x00%cI%x00%B";
      const text = (await succeed(["log", "-1", format, id])).toString("utf8");
      const [name = "", email = "", committedAt = "", message = ""] = text.split("\0");
      return { id, author: { name, email }, subject: message.split("\n")[0] ?? "", committedAt };
    },

    changedPaths: async (before, after) => {
      const to = await resolve(after);
      if (before === undefined)
        return listed(await succeed(["ls-tree", "-r", "-z", "--name-only", "--full-tree", to]));
      const from = await resolve(before);
      return listed(await succeed(["diff-tree", "-r", "-z", "--name-only", "--no-renames", from, to]));
    },

    models: async (commit) =>
      (await entries(commit, "models/", false))
        .filter(({ type }) => type === "tree")
        .map(({ path }) => path.slice("models/".length)),

    modelFiles: async (model, commit) => {
      const folder = `models/${model}/`;
      if (model.includes("/") || !isInside(model)) {
        await resolve(commit);
        return new Map();
      }
      const files = await entries(commit, folder, true);
      refuseUnfit(model, files);
      const bytes = files.length === 0 ? [] : await contents(files);
      return new Map(
        files.map(({ path }, index) => [path.slice(folder.length), bytes[index] ?? new Uint8Array()]),
      );
    },

    file: async (path, commit) => {
      if (!isInside(path)) {
        await resolve(commit);
        return undefined;
      }
      const entry = (await entries(commit, path, false)).find((found) => found.path === path);
      if (entry?.type !== "blob" || entry.mode === "120000") return undefined;
      if (entry.bytes > modelLimitBytes)
        throw new ModelFilesRefused(`${path} is larger than the limit of 512 MB.`);
      return (await contents([entry]))[0];
    },
  };
};
