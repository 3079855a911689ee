import type * as z from "zod";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { CommitNotFound, ModelFilesRefused } from "#platform/source/source.ts";
import { isRevision } from "#platform/source/source-rules.ts";
import type { PathDifference, TreeFile } from "#platform/source/verify-merge.ts";
import { createGitHubHeaders } from "./github-headers.ts";
import { CommitResponse, type ResolvedCommit, Tree, type TreeEntry } from "./response-schemas.ts";

export type GitHubClientDependencies = {
  /** `owner/name`. */
  readonly repository: string;
  /** Returns a token that may read the repository's contents. Called for each request, because an app's tokens expire. */
  readonly token: () => Promise<string>;
  readonly fetch: typeof globalThis.fetch;
  /** `https://api.github.com` or the URL of a GitHub Enterprise Server, without a trailing slash. */
  readonly api?: string;
};

/** GitHub refused a call permanently: the token lacks a permission, or the repository does not exist. */
export class GitHubRefused extends SlipwayError {
  override readonly name = "GitHubRefused";
  override readonly retryable = false;
}

/** GitHub's default JSON format. */
export const gitHubMediaType = "application/vnd.github+json";
export const callLimitMs = 15_000;
const blobLimitMs = 120_000;
/** Concurrent calls; GitHub recommends few. */
export const gitHubConcurrency = 8;
/** GitHub's largest page. */
export const pageSize = 100;

/** Rate limits come as 403 or 429. https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api */
export const isTemporaryResponse = (response: Response): boolean =>
  response.status === 429 ||
  response.status >= 500 ||
  (response.status === 403 &&
    (response.headers.has("retry-after") || response.headers.get("x-ratelimit-remaining") === "0"));

/** A client for the parts of GitHub's REST API that read a repository. Throws TemporaryFault and GitHubRefused. */
export const createGitHubClient = (needs: GitHubClientDependencies) => {
  const { repository, fetch, api = "https://api.github.com" } = needs;

  const sendRequest = async (
    url: string,
    options: { readonly method?: "POST"; readonly body?: string },
    {
      what,
      accept,
      limitMs,
      handledStatuses = [],
    }: {
      readonly what: string;
      readonly accept: string;
      readonly limitMs: number;
      /** Temporary statuses that the caller handles. */
      readonly handledStatuses?: readonly number[];
    },
  ): Promise<Response> => {
    const response = await fetch(url, {
      ...options,
      headers: createGitHubHeaders(await needs.token(), accept),
      redirect: "follow",
      signal: AbortSignal.timeout(limitMs),
    }).catch((error: unknown) => {
      throw new TemporaryFault(`GitHub did not answer ${what}: ${String(error)}`, { cause: error });
    });
    if (isTemporaryResponse(response) && !handledStatuses.includes(response.status))
      throw new TemporaryFault(`GitHub answered ${what} with ${response.status}`);
    return response;
  };

  /** `fullName`: the `owner/name` of the repository, which may be a fork of this one. */
  const getResponse = (
    path: string,
    accept: string,
    limitMs: number,
    fullName: string = repository,
  ): Promise<Response> =>
    sendRequest(
      `${api}/repos/${fullName}${path === "" ? "" : "/"}${path}`,
      {},
      { what: path, accept, limitMs },
    );

  const toRefusal = async (path: string, response: Response) =>
    new GitHubRefused(
      `GitHub refused ${repository}/${path} with ${response.status}: ${(await response.text()).slice(0, 300)}`,
    );

  const throwInterrupted = (path: string) => (error: unknown) => {
    throw new TemporaryFault(`GitHub's response to ${path} ended early`, { cause: error });
  };

  const parseJson = async <Body>(path: string, response: Response, schema: z.ZodType<Body>): Promise<Body> =>
    schema.parse(await response.json().catch(throwInterrupted(path)));

  /** https://docs.github.com/en/rest/commits/commits#get-a-commit */
  const resolveCommit = async (revision: string): Promise<ResolvedCommit> => {
    const notFound = () =>
      new CommitNotFound(`There is no commit ${JSON.stringify(revision)} in ${repository}.`);
    if (!isRevision(revision)) throw notFound();
    // per_page=1 limits the list of the commit's files, which is not needed here.
    const path = `commits/${encodeURIComponent(revision)}?per_page=1`;
    const response = await getResponse(path, gitHubMediaType, callLimitMs);
    // 404: no repository or no such branch; 409: an empty repository; 422: no commit with this id.
    if ([404, 409, 422].includes(response.status)) throw notFound();
    if (!response.ok) throw await toRefusal(path, response);
    return parseJson(path, response, CommitResponse);
  };

  /** https://docs.github.com/en/rest/git/trees#get-a-tree */
  const readTree = async (sha: string): Promise<readonly TreeEntry[]> => {
    const path = `git/trees/${sha}`;
    const response = await getResponse(path, gitHubMediaType, callLimitMs);
    if (!response.ok) throw await toRefusal(path, response);
    const { tree: entries, truncated } = await parseJson(path, response, Tree);
    if (truncated) throw new GitHubRefused(`${repository} has a folder of more files than GitHub lists.`);
    return entries;
  };

  /** The raw format supports blobs up to 100 MB. https://docs.github.com/en/rest/git/blobs#get-a-blob */
  const requestBlob = async ({
    sha,
    path: name,
  }: Pick<TreeEntry, "sha" | "path">): Promise<{ readonly path: string; readonly response: Response }> => {
    const path = `git/blobs/${sha}`;
    const response = await getResponse(path, "application/vnd.github.raw+json", blobLimitMs);
    if (response.status === 403 || response.status === 422)
      throw new ModelFilesRefused(
        `${name} is larger than the 100 MB that GitHub returns: make the file smaller.`,
      );
    if (!response.ok) throw await toRefusal(path, response);
    return { path, response };
  };

  const readBlob = async (entry: Pick<TreeEntry, "sha" | "path">): Promise<Uint8Array> => {
    const { path, response } = await requestBlob(entry);
    return new Uint8Array(await response.arrayBuffer().catch(throwInterrupted(path)));
  };

  const streamBlob = async function* (
    entry: Pick<TreeEntry, "sha" | "path">,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { path, response } = await requestBlob(entry);
    try {
      yield* response.body ?? [];
    } catch (error) {
      throwInterrupted(path)(error);
    }
  };

  const toTreeFile = ({ mode, sha, size }: TreeEntry): TreeFile => ({
    mode,
    blob: sha,
    ...(size === undefined ? {} : { bytes: size }),
  });

  /** Every path at which two trees differ; a file that replaces a folder, or a folder a file, changes both. */
  const compareTrees = async (
    before: string | undefined,
    after: string | undefined,
    listEntries: (sha: string) => Promise<readonly TreeEntry[]> = readTree,
    prefix = "",
  ): Promise<Map<string, PathDifference>> => {
    const found = new Map<string, PathDifference>();
    if (before === after) return found;
    const [olds, news] = await Promise.all(
      [before, after].map(async (sha) =>
        sha === undefined
          ? new Map<string, TreeEntry>()
          : new Map((await listEntries(sha)).map((entry) => [entry.path, entry])),
      ),
    );
    for (const name of new Set([...(olds?.keys() ?? []), ...(news?.keys() ?? [])])) {
      const entries = [olds?.get(name), news?.get(name)];
      const [oldEntry, newEntry] = entries;
      if (oldEntry?.sha === newEntry?.sha && oldEntry?.mode === newEntry?.mode) continue;
      const isTree = (entry: TreeEntry | undefined) => entry?.type === "tree";
      const [oldFile = null, newFile = null] = entries.map((entry) =>
        !entry || isTree(entry) ? null : toTreeFile(entry),
      );
      if (oldFile || newFile) found.set(prefix + name, { before: oldFile, after: newFile });
      const [oldTree, newTree] = entries.map((entry) => (isTree(entry) ? entry?.sha : undefined));
      const below = await compareTrees(oldTree, newTree, listEntries, `${prefix}${name}/`);
      for (const [path, difference] of below) found.set(path, difference);
    }
    return found;
  };

  const readJson = async <Body>(path: string, schema: z.ZodType<Body>): Promise<Body> => {
    const response = await getResponse(path, gitHubMediaType, callLimitMs);
    if (!response.ok) throw await toRefusal(path, response);
    return parseJson(path, response, schema);
  };

  return {
    api,
    repository,
    sendRequest,
    getResponse,
    toRefusal,
    parseJson,
    readJson,
    resolveCommit,
    readTree,
    readBlob,
    streamBlob,
    compareTrees,
  };
};
export type GitHubClient = ReturnType<typeof createGitHubClient>;
