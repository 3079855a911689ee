import * as z from "zod";
import { TemporaryFault } from "../temporary-fault.ts";
import { type Commit, CommitNotFound, ModelFilesRefused, type Source } from "./source.ts";
import { isInside, isRevision, refuseEntry, refuseTooMuch } from "./source-rules.ts";

type Needs = {
  /** `owner/name`. */
  readonly repository: string;
  /** A token that may read the repository's contents; asked for at each call, because an app's tokens end. */
  readonly token: () => Promise<string>;
  readonly fetch: typeof globalThis.fetch;
  /** `https://api.github.com` or a GitHub Enterprise Server's, without a slash at the end. */
  readonly api?: string;
};

/** GitHub refused a call for good: the token may not, or the repository is not there. */
export class GitHubRefused extends Error {
  override readonly name = "GitHubRefused";
}

const CommitAnswer = z.object({
  sha: z.string(),
  commit: z.object({
    author: z.object({ name: z.string().default(""), email: z.string().default("") }).nullable(),
    committer: z.object({ date: z.string().default("") }).nullable(),
    message: z.string(),
    tree: z.object({ sha: z.string() }),
  }),
});
const Entry = z.object({
  path: z.string(),
  mode: z.string(),
  type: z.string(),
  sha: z.string(),
  size: z.number().optional(),
});
type Entry = z.infer<typeof Entry>;
const Tree = z.object({ tree: z.array(Entry), truncated: z.boolean() });

const callLimitMs = 15_000;
const blobLimitMs = 120_000;
/** Blobs read at once; GitHub asks for few calls side by side. */
const together = 8;

/** Rate limits come as 403 or 429. https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api */
const isTemporary = (response: Response): boolean =>
  response.status === 429 ||
  response.status >= 500 ||
  (response.status === 403 &&
    (response.headers.has("retry-after") || response.headers.get("x-ratelimit-remaining") === "0"));

/**
 * A repository on GitHub, by its REST API. What changed is read from both commits' trees, folder by folder where they
 * differ: the comparison of GitHub's own starts at the merge base and ends after 300 files.
 * https://docs.github.com/en/rest/git/trees — Throws, beside the contract's errors, TemporaryFault and GitHubRefused.
 */
export const gitHubSource = (needs: Needs): Source => {
  const { repository, fetch, api = "https://api.github.com" } = needs;

  const ask = async (path: string, accept: string, limitMs: number): Promise<Response> => {
    const response = await fetch(`${api}/repos/${repository}/${path}`, {
      headers: {
        accept,
        authorization: `Bearer ${await needs.token()}`,
        "user-agent": "slipway",
        "x-github-api-version": "2022-11-28",
      },
      redirect: "follow",
      signal: AbortSignal.timeout(limitMs),
    }).catch((error: unknown) => {
      throw new TemporaryFault(`GitHub did not answer ${path}: ${String(error)}`, { cause: error });
    });
    if (isTemporary(response)) throw new TemporaryFault(`GitHub answered ${path} with ${response.status}`);
    return response;
  };

  const refused = async (path: string, response: Response) =>
    new GitHubRefused(
      `GitHub refused ${repository}/${path} with ${response.status}: ${(await response.text()).slice(0, 300)}`,
    );

  const brokeOff = (path: string) => (error: unknown) => {
    throw new TemporaryFault(`GitHub's answer to ${path} broke off`, { cause: error });
  };

  const json = async <Answer>(path: string, response: Response, answer: z.ZodType<Answer>): Promise<Answer> =>
    answer.parse(await response.json().catch(brokeOff(path)));

  /** https://docs.github.com/en/rest/commits/commits#get-a-commit */
  const resolve = async (revision: string): Promise<z.infer<typeof CommitAnswer>> => {
    const notFound = () =>
      new CommitNotFound(`There is no commit ${JSON.stringify(revision)} in ${repository}.`);
    if (!isRevision(revision)) throw notFound();
    // per_page: of the commit's own files, which come along, one is enough.
    const path = `commits/${encodeURIComponent(revision)}?per_page=1`;
    const response = await ask(path, "application/vnd.github+json", callLimitMs);
    // 404: no repository, or no such branch; 409: an empty repository; 422: no commit of this id.
    if ([404, 409, 422].includes(response.status)) throw notFound();
    if (!response.ok) throw await refused(path, response);
    return json(path, response, CommitAnswer);
  };

  /** https://docs.github.com/en/rest/git/trees#get-a-tree */
  const tree = async (sha: string): Promise<readonly Entry[]> => {
    const path = `git/trees/${sha}`;
    const response = await ask(path, "application/vnd.github+json", callLimitMs);
    if (!response.ok) throw await refused(path, response);
    const { tree: entries, truncated } = await json(path, response, Tree);
    if (truncated) throw new GitHubRefused(`${repository} has a folder of more files than GitHub lists.`);
    return entries;
  };

  /** The raw form carries blobs up to 100 MB. https://docs.github.com/en/rest/git/blobs#get-a-blob */
  const blob = async ({ sha, path: name }: Entry): Promise<Uint8Array> => {
    const path = `git/blobs/${sha}`;
    const response = await ask(path, "application/vnd.github.raw+json", blobLimitMs);
    if (response.status === 403 || response.status === 422)
      throw new ModelFilesRefused(
        `${name} is larger than GitHub gives out (100 MB): name it by its address and sha256 in model.yaml.`,
      );
    if (!response.ok) throw await refused(path, response);
    return new Uint8Array(await response.arrayBuffer().catch(brokeOff(path)));
  };

  /** The entry that a path leads to, from a commit's root. */
  const entryAt = async (root: string, path: string): Promise<Entry | undefined> => {
    let sha = root;
    const parts = path.split("/");
    for (const [index, part] of parts.entries()) {
      const entry = (await tree(sha)).find((one) => one.path === part);
      if (!entry || index === parts.length - 1) return entry;
      if (entry.type !== "tree") return undefined;
      sha = entry.sha;
    }
    return undefined;
  };

  /** Every entry below a tree that is no tree, with its path from there. */
  const below = async (sha: string, prefix: string): Promise<Entry[]> => {
    const all: Entry[] = [];
    for (const entry of await tree(sha)) {
      const path = prefix + entry.path;
      if (entry.type === "tree") all.push(...(await below(entry.sha, `${path}/`)));
      else all.push({ ...entry, path });
    }
    return all;
  };

  const changed = async (
    before: string | undefined,
    after: string | undefined,
    prefix: string,
  ): Promise<string[]> => {
    if (before === after) return [];
    const [olds, news] = await Promise.all(
      [before, after].map(async (sha) =>
        sha === undefined
          ? new Map<string, Entry>()
          : new Map((await tree(sha)).map((one) => [one.path, one])),
      ),
    );
    const paths: string[] = [];
    for (const name of new Set([...(olds?.keys() ?? []), ...(news?.keys() ?? [])])) {
      const [one, two] = [olds?.get(name), news?.get(name)];
      if (one?.sha === two?.sha && one?.mode === two?.mode) continue;
      const isTree = (entry: Entry | undefined) => entry?.type === "tree";
      if ((one && !isTree(one)) || (two && !isTree(two))) paths.push(prefix + name);
      const trees = [one, two].map((entry) => (isTree(entry) ? entry?.sha : undefined));
      paths.push(...(await changed(trees[0], trees[1], `${prefix}${name}/`)));
    }
    return paths;
  };

  const toCommit = ({ sha, commit }: z.infer<typeof CommitAnswer>): Commit => ({
    id: sha,
    author: { name: commit.author?.name ?? "", email: commit.author?.email ?? "" },
    subject: commit.message.split("\n")[0] ?? "",
    committedAt: commit.committer?.date ?? "",
  });

  return {
    commit: async (revision) => toCommit(await resolve(revision)),

    async changedPaths(before, after) {
      const to = await resolve(after);
      const from = before === undefined ? undefined : await resolve(before);
      return changed(from?.commit.tree.sha, to.commit.tree.sha, "");
    },

    async models(commit) {
      const folder = await entryAt((await resolve(commit)).commit.tree.sha, "models");
      if (folder?.type !== "tree") return [];
      return (await tree(folder.sha)).filter(({ type }) => type === "tree").map(({ path }) => path);
    },

    async modelFiles(model, commit) {
      const { commit: found } = await resolve(commit);
      if (model.includes("/") || !isInside(model)) return new Map();
      const folder = await entryAt(found.tree.sha, `models/${model}`);
      if (folder?.type !== "tree") return new Map();
      const entries = await below(folder.sha, "");
      for (const { path, mode } of entries) {
        if (mode === "120000") refuseEntry(model, `models/${model}/${path}`, "a symbolic link");
        if (mode === "160000") refuseEntry(model, `models/${model}/${path}`, "a submodule");
      }
      refuseTooMuch(
        model,
        entries.reduce((sum, { size }) => sum + (size ?? 0), 0),
      );
      const files = new Map<string, Uint8Array>();
      for (let start = 0; start < entries.length; start += together) {
        const some = entries.slice(start, start + together);
        const contents = await Promise.all(some.map(blob));
        for (const [index, { path }] of some.entries()) files.set(path, contents[index] ?? new Uint8Array());
      }
      return files;
    },

    async file(path, commit) {
      const { commit: found } = await resolve(commit);
      if (!isInside(path)) return undefined;
      const entry = await entryAt(found.tree.sha, path);
      return entry?.type === "blob" && entry.mode !== "120000" ? blob(entry) : undefined;
    },
  };
};
