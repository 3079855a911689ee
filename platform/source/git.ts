import { buffer } from "node:stream/consumers";
import { copyFiles } from "#platform/files/copy-files.ts";
import { limitCommit } from "./limit-commit.ts";
import { parseCoAuthors } from "./parse-co-authors.ts";
import { readGitObjects } from "./read-git-objects.ts";
import { GitFailed, type GitOptions, runGit } from "./run-git.ts";
import {
  type CommitHistory,
  CommitNotFound,
  type HistoryCommit,
  ModelFilesRefused,
  type PathChange,
  type Source,
} from "./source.ts";
import { assertModelSize, isPathInside, isRevision, modelLimitBytes, refuseEntry } from "./source-rules.ts";

type Entry = {
  readonly mode: string;
  readonly type: string;
  readonly id: string;
  readonly bytes: number;
  readonly path: string;
};

const splitNulls = (stdout: Buffer): readonly string[] =>
  stdout
    .toString("utf8")
    .split("\0")
    .filter((part) => part !== "");

/** One line of `ls-tree -l -z`: mode, type, id, size or `-`, a tab, the path. */
const parseEntry = (line: string): Entry => {
  const [, mode = "", type = "", id = "", size = "", path = ""] =
    /^(\d+) (\w+) ([0-9a-f]+) +(\d+|-)\t(.*)$/s.exec(line) ?? [];
  if (path === "") throw new GitFailed(`git listed a tree in a form that is not known here: ${line}`);
  return { mode, type, id, bytes: size === "-" ? 0 : Number(size), path };
};

const assertDeliverable = (model: string, entries: readonly Entry[]): void => {
  for (const { mode, path } of entries) {
    if (mode === "120000") refuseEntry(model, path, "a symbolic link");
    if (mode === "160000") refuseEntry(model, path, "a submodule");
    if (path.includes("\uFFFD")) {
      throw new ModelFilesRefused(`The name of ${path} is not UTF-8: rename it.`);
    }
  }
  assertModelSize(
    model,
    entries.reduce((sum, { bytes }) => sum + bytes, 0),
  );
};

/** Limits of what is remembered. */
const maxCachedListings = 1_000;
const maxCachedFileBytes = 1024 * 1024;
const maxCachedBytes = 32 * 1024 * 1024;

/** The largest number of commits in a history. */
const historyLimit = 5_000;
const historyFields = 7;

/**
 * The output of `diff-tree --stdin -m -z --name-status`: a commit's id before the changes against each of its parents,
 * then a status and one path, or two if the file was renamed (R) or copied (C).
 */
const parseChanges = (output: Buffer): ReadonlyMap<string, readonly PathChange[]> => {
  const parts = output.toString("utf8").split("\0");
  const changes = new Map<string, PathChange[]>();
  let current: PathChange[] = [];
  for (let at = 0; at < parts.length - 1; ) {
    const part = parts[at++] ?? "";
    if (/^[0-9a-f]{40}$/.test(part)) {
      current = changes.get(part) ?? [];
      changes.set(part, current);
      continue;
    }
    const from = parts[at++] ?? "";
    if (!/^[RC]\d*$/.test(part)) {
      current.push({ path: from });
      continue;
    }
    current.push({ path: parts[at++] ?? "", from });
    if (part.startsWith("R")) current.push({ path: from });
  }
  return changes;
};

/** Quotes a word for a shell: anybody can commit a path, and a person copies it. */
const quoteForShell = (word: string): string =>
  /^[\w./@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** What a repository's objects were found to be: an object never changes, so none is read twice. */
const createObjectCache = () => {
  const commits = new Set<string>();
  const listings = new Map<string, readonly Entry[]>();
  const contents = new Map<string, Uint8Array>();
  let bytes = 0;
  return {
    commits,
    listings: {
      get: (key: string) => listings.get(key),
      set: (key: string, entries: readonly Entry[]) => {
        if (listings.size >= maxCachedListings) listings.clear();
        listings.set(key, entries);
      },
    },
    contents: {
      get: (id: string) => contents.get(id),
      /** Keeps small files; the large ones of a model are read once or twice. */
      set: (id: string, content: Uint8Array) => {
        if (content.byteLength > maxCachedFileBytes || contents.has(id)) return;
        if (bytes > maxCachedBytes) {
          contents.clear();
          bytes = 0;
        }
        bytes += content.byteLength;
        contents.set(id, content);
      },
    },
  };
};

/** The repository in a local folder (a clone or a bare one), read with the `git` command. */
export const createGitSource = (needs: { readonly repository: string }): Source & CommitHistory => {
  const git = runGit(needs.repository);
  const cache = createObjectCache();

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
    if (cache.commits.has(revision)) return revision;
    const { code, stdout } = await git([
      "rev-parse",
      "--verify",
      "--quiet",
      "--end-of-options",
      `${revision}^{commit}`,
    ]);
    const id = stdout.toString("utf8").trim();
    if (code !== 0 || !/^[0-9a-f]{40}$/.test(id)) throw notFound();
    cache.commits.add(id);
    return id;
  };

  const entries = async (commit: string, path: string, recursive: boolean): Promise<readonly Entry[]> => {
    const id = await resolve(commit);
    const flags = ["-z", "-l", "--full-tree", ...(recursive ? ["-r"] : [])];
    const key = [id, recursive, path].join();
    const known = cache.listings.get(key);
    if (known) return known;
    const found = splitNulls(await succeed(["ls-tree", ...flags, id, "--", path])).map(parseEntry);
    cache.listings.set(key, found);
    return found;
  };

  /** Every file of a model's folder, by its path inside that. Throws ModelFilesRefused. */
  const listFolder = async (model: string, commit: string): Promise<ReadonlyMap<string, Entry>> => {
    const folder = `models/${model}/`;
    if (model.includes("/") || !isPathInside(model)) {
      await resolve(commit);
      return new Map();
    }
    const files = await entries(commit, folder, true);
    assertDeliverable(model, files);
    return new Map(files.map((entry) => [entry.path.slice(folder.length), entry]));
  };

  const contents = async (wanted: readonly Entry[]): Promise<readonly Uint8Array[]> => {
    const read = new Map(wanted.map(({ id }) => [id, cache.contents.get(id)]));
    const unread = wanted.filter(({ id }) => !read.get(id));
    if (unread.length > 0)
      await readGitObjects(needs.repository, unread, async (open) => {
        for (const entry of unread) {
          const content = await buffer(open(entry));
          cache.contents.set(entry.id, content);
          read.set(entry.id, content);
        }
      });
    return wanted.map(({ id }) => read.get(id) ?? new Uint8Array());
  };

  /**
   * Looks for renames in every commit. Copies are slow to find, so only commits with new files under models/ are
   * searched, and only for copied models: manifests and tests look similar even from different authors.
   */
  const readChanges = async (ids: readonly string[]): Promise<ReadonlyMap<string, readonly PathChange[]>> => {
    const ask = async (commits: readonly string[], ...flags: readonly string[]) => {
      const shared = ["diff-tree", "--stdin", "-r", "-m", "--root", "-z", "--name-status", "-l0"];
      const input = commits.map((id) => `${id}\n`).join("");
      const maxBytes = 512 * 1024 * 1024;
      return parseChanges(await succeed([...shared, ...flags], { input, maxBytes }));
    };
    const changes = new Map(ids.length === 0 ? [] : await ask(ids, "-M"));
    const growing = ids.filter((id) =>
      changes.get(id)?.some(({ path, from }) => from === undefined && path.startsWith("models/")),
    );
    if (growing.length === 0) return changes;
    for (const [id, copies] of await ask(growing, "-C", "--find-copies-harder", "--", "models"))
      changes.set(id, [
        ...(changes.get(id) ?? []),
        ...copies.filter(({ path, from }) => from !== undefined && path.endsWith(".onnx")),
      ]);
    return changes;
  };

  return {
    /** Signatures are not checked, because the trusted keys are not known here: no author is authenticated. */
    history: async (head, without) => {
      const to = await resolve(head);
      const excluded = await Promise.all(without.map(resolve));
      const format = "--format=%H%x00%P%x00%an%x00%ae%x00%cn%x00%ce%x00%B";
      const range = [to, ...excluded.map((id) => `^${id}`)];
      const most = `--max-count=${historyLimit + 1}`;
      const output = (await succeed(["log", "-z", "--topo-order", most, format, ...range, "--"])).toString(
        "utf8",
      );
      const fields = output.split("\0");
      const found: Omit<HistoryCommit, "changes">[] = [];
      for (let at = 0; at + historyFields <= fields.length; at += historyFields) {
        const [id = "", parents = "", name = "", email = "", by = "", byEmail = "", message = ""] =
          fields.slice(at);
        found.push({
          id,
          parents: parents.split(" ").filter((parent) => parent !== ""),
          author: { name, email },
          committer: { name: by, email: byEmail },
          coAuthors: parseCoAuthors(message),
          signature: { by: "nobody" },
          authorAccount: null,
        });
      }
      const commits = found.slice(0, historyLimit);
      const changes = await readChanges(commits.map(({ id }) => id));
      return {
        commits: commits.map((commit) => ({ ...commit, changes: changes.get(commit.id) ?? [] })),
        updates: [],
        branches: "unknown",
        complete: found.length <= historyLimit,
      };
    },

    /** A conflict resolved by hand, or anything else that is in neither parent, gives another tree. */
    isCleanMerge: async (commit) => {
      const id = await resolve(commit);
      const [tree = "", ...parents] = (await succeed(["log", "-1", "--format=%T %P", id]))
        .toString("utf8")
        .trim()
        .split(" ");
      const [ours, theirs] = parents;
      if (ours === undefined || theirs === undefined || parents.length > 2) return false;
      const { code, stdout } = await git([
        "-c",
        "merge.renames=true",
        "merge-tree",
        "--write-tree",
        "--no-messages",
        ours,
        theirs,
      ]);
      return code === 0 && stdout.toString("utf8").trim() === tree;
    },

    commit: async (revision) => {
      const id = await resolve(revision);
      const format = "--format=%an%x00%ae%x00%cI%x00%B";
      const text = (await succeed(["log", "-1", format, id])).toString("utf8");
      const [name = "", email = "", committedAt = "", message = ""] = text.split("\0");
      const subject = message.split("\n")[0] ?? "";
      return limitCommit({ id, author: { name, email }, subject, committedAt });
    },

    changedPaths: async (before, after) => {
      const to = await resolve(after);
      if (before === undefined)
        return splitNulls(await succeed(["ls-tree", "-r", "-z", "--name-only", "--full-tree", to]));
      const from = await resolve(before);
      return splitNulls(await succeed(["diff-tree", "-r", "-z", "--name-only", "--no-renames", from, to]));
    },

    models: async (commit) =>
      (await entries(commit, "models/", false))
        .filter(({ type }) => type === "tree")
        .map(({ path }) => path.slice("models/".length)),

    modelFiles: async (model, commit, names) => {
      const files = [...(await listFolder(model, commit))].filter(([name]) => names.includes(name));
      const bytes = files.length === 0 ? [] : await contents(files.map(([, entry]) => entry));
      return new Map(files.map(([name], index) => [name, bytes[index] ?? new Uint8Array()]));
    },

    copyModelFiles: async (model, commit, folder) => {
      const files = [...(await listFolder(model, commit))];
      const wanted = files.map(([, entry]) => entry);
      return readGitObjects(needs.repository, wanted, (open) =>
        copyFiles(files, { folder, open, concurrency: 1 }),
      );
    },

    modelFileIds: async (model, commit) =>
      new Map([...(await listFolder(model, commit))].map(([name, { id }]) => [name, id])),

    linkDiff: async (before, after, paths) => ({
      kind: "command",
      line: `git -C ${quoteForShell(needs.repository)} diff ${before.slice(0, 12)}..${after.slice(0, 12)} -- ${paths.map(quoteForShell).join(" ")}`,
    }),

    linkCommit: async (commit) => ({
      kind: "command",
      line: `git -C ${quoteForShell(needs.repository)} show ${commit.slice(0, 12)}`,
    }),

    file: async (path, commit) => {
      if (!isPathInside(path)) {
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
