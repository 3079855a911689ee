import pMap from "p-map";
import { copyFiles } from "#platform/files/copy-files.ts";
import { type GitHubClient, gitHubConcurrency } from "./github/github-client.ts";
import type { ResolvedCommit, TreeEntry } from "./github/response-schemas.ts";
import { limitCommit } from "./limit-commit.ts";
import type { Commit, Source } from "./source.ts";
import { assertModelSize, isPathInside, refuseEntry } from "./source-rules.ts";

/**
 * A repository on GitHub, through its REST API. Changed paths come from comparing both commits' trees folder by folder:
 * GitHub's own comparison starts at the merge base and ends after 300 files.
 * https://docs.github.com/en/rest/git/trees — Also throws TemporaryFault and GitHubRefused.
 */
export const createGitHubSource = ({
  api,
  repository,
  resolveCommit,
  readTree,
  readBlob,
  streamBlob,
  compareTrees,
}: GitHubClient): Source => {
  /** The entry at a path below a commit's root. */
  const findEntry = async (root: string, path: string): Promise<TreeEntry | undefined> => {
    let sha = root;
    const parts = path.split("/");
    for (const [index, part] of parts.entries()) {
      const entry = (await readTree(sha)).find(({ path }) => path === part);
      if (!entry || index === parts.length - 1) return entry;
      if (entry.type !== "tree") return undefined;
      sha = entry.sha;
    }
    return undefined;
  };

  /** All entries below a tree except trees, with their paths from there. */
  const listEntriesBelow = async (sha: string, prefix: string): Promise<TreeEntry[]> => {
    const all: TreeEntry[] = [];
    for (const entry of await readTree(sha)) {
      const path = prefix + entry.path;
      if (entry.type === "tree") all.push(...(await listEntriesBelow(entry.sha, `${path}/`)));
      else all.push({ ...entry, path });
    }
    return all;
  };

  /** Every file of a model's folder, by its path inside that. Throws ModelFilesRefused. */
  const listFolder = async (model: string, commit: string): Promise<readonly TreeEntry[]> => {
    const { commit: found } = await resolveCommit(commit);
    if (model.includes("/") || !isPathInside(model)) return [];
    const folder = await findEntry(found.tree.sha, `models/${model}`);
    if (folder?.type !== "tree") return [];
    const entries = await listEntriesBelow(folder.sha, "");
    for (const { path, mode } of entries) {
      if (mode === "120000") refuseEntry(model, `models/${model}/${path}`, "a symbolic link");
      if (mode === "160000") refuseEntry(model, `models/${model}/${path}`, "a submodule");
    }
    assertModelSize(
      model,
      entries.reduce((sum, { size }) => sum + (size ?? 0), 0),
    );
    return entries;
  };

  const toCommit = ({ sha, commit }: ResolvedCommit): Commit =>
    limitCommit({
      id: sha,
      author: { name: commit.author?.name ?? "", email: commit.author?.email ?? "" },
      subject: commit.message.split("\n")[0] ?? "",
      committedAt: commit.committer?.date ?? "",
    });

  /** Of github.com, or of the server that has its API under /api/v3. */
  const pages = `${api === "https://api.github.com" ? "https://github.com" : api.replace(/\/api\/v3$/, "")}/${repository}`;

  return {
    commit: async (revision) => toCommit(await resolveCommit(revision)),

    async changedPaths(before, after) {
      const to = await resolveCommit(after);
      const from = before === undefined ? undefined : await resolveCommit(before);
      return [...(await compareTrees(from?.commit.tree.sha, to.commit.tree.sha)).keys()];
    },

    linkDiff: async (before, after) => ({
      kind: "page",
      // Two dots compare the two commits directly; three would start at their merge base.
      // https://docs.github.com/en/enterprise/2.18/user/github/committing-changes-to-your-project/comparing-commits
      url: `${pages}/compare/${before}..${after}`,
    }),
    linkCommit: async (commit) => ({ kind: "page", url: `${pages}/commit/${commit}` }),

    async models(commit) {
      const folder = await findEntry((await resolveCommit(commit)).commit.tree.sha, "models");
      if (folder?.type !== "tree") return [];
      return (await readTree(folder.sha)).filter(({ type }) => type === "tree").map(({ path }) => path);
    },

    async modelFiles(model, commit, names) {
      const entries = (await listFolder(model, commit)).filter(({ path }) => names.includes(path));
      const contents = await pMap(entries, readBlob, { concurrency: gitHubConcurrency });
      return new Map(entries.map(({ path }, index) => [path, contents[index] ?? new Uint8Array()]));
    },

    async copyModelFiles(model, commit, folder) {
      const entries = await listFolder(model, commit);
      return copyFiles(
        entries.map((entry) => [entry.path, entry] as const),
        { folder, open: streamBlob, concurrency: gitHubConcurrency },
      );
    },

    async modelFileIds(model, commit) {
      return new Map((await listFolder(model, commit)).map(({ path, sha }) => [path, sha]));
    },

    async file(path, commit) {
      const { commit: found } = await resolveCommit(commit);
      if (!isPathInside(path)) return undefined;
      const entry = await findEntry(found.tree.sha, path);
      return entry?.type === "blob" && entry.mode !== "120000" ? readBlob(entry) : undefined;
    },
  };
};
