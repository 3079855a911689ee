import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { z } from "zod";

/** The excerpt of GitHub's OpenAPI description that this server implements. */
const Excerpt = z.object({
  operations: z.record(
    z.string(),
    z.object({ query: z.array(z.string()), statuses: z.record(z.string(), z.unknown()) }),
  ),
});

type Operation = "get-a-commit" | "get-a-tree" | "get-a-blob" | "of-a-history" | "a-query";
type GitHubResponse = {
  readonly status: number;
  readonly body: unknown;
  readonly raw?: Buffer;
  /** The next page's address. */
  readonly link?: string;
};
type Git = (...args: string[]) => Buffer;

const base = "https://api.github.com/repos/example/models";

const tryGit = (git: Git, ...args: string[]): string | undefined => {
  try {
    return git(...args).toString("utf8");
  } catch {
    return undefined;
  }
};

const createErrorResponse = (status: number, message: string): GitHubResponse => ({
  status,
  body: { message, documentation_url: "https://docs.github.com/rest", status: String(status) },
});

/** Changes against the first parent, with renames, as GitHub lists them. `parts`: git's letters and paths, in turns. */
const listChangedFiles = (sha: string, parts: readonly string[]): readonly object[] => {
  const statuses = { A: "added", D: "removed", M: "modified" } as const;
  const files: object[] = [];
  for (let at = 0; at < parts.length - 1; ) {
    const letter = parts[at++] ?? "";
    const first = parts[at++] ?? "";
    const filename = letter.startsWith("R") ? (parts[at++] ?? "") : first;
    const status = letter.startsWith("R") ? "renamed" : (statuses[letter as "A"] ?? "changed");
    files.push({
      sha,
      filename,
      status,
      additions: 1,
      deletions: 0,
      changes: 1,
      blob_url: `${base}/blob/${sha}`,
      raw_url: `${base}/raw/${sha}`,
      contents_url: `${base}/contents`,
      ...(status === "renamed" && { previous_filename: first }),
    });
  }
  return files;
};

/** A commit of `git log`, as GitHub shows it: fields, a mark, then its changed files. */
const describeCommit = (output: string) => {
  const [fields = "", changes = ""] = output.split("\x02");
  const [
    sha = "",
    parents = "",
    tree,
    name,
    email,
    date,
    committer,
    committerEmail,
    committed,
    message = "",
  ] = fields.split("\0");
  const described = {
    url: `${base}/commits/${sha}`,
    sha,
    node_id: sha,
    html_url: `${base}/commit/${sha}`,
    comments_url: `${base}/commits/${sha}/comments`,
    commit: {
      url: `${base}/git/commits/${sha}`,
      author: { name, email, date },
      committer: { name: committer, email: committerEmail, date: committed },
      message: message.trimEnd(),
      comment_count: 0,
      tree: { sha: tree, url: `${base}/git/trees/${tree}` },
    },
    author: null,
    committer: null,
    parents: parents
      .split(" ")
      .filter((parent) => parent !== "")
      .map((parent) => ({ sha: parent, url: `${base}/git/commits/${parent}` })),
  };
  return { described, files: listChangedFiles(sha, changes.replace(/^\0?\n?/, "").split("\0")) };
};

/** Reads commits by full ids, all of the repository at once and each only once: a process for each would take minutes. */
const createCommitReader = (git: Git) => {
  const commits = new Map<string, ReturnType<typeof describeCommit>>();
  const format = "--format=%x01%H%x00%P%x00%T%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B%x02";
  const flags = ["--no-walk=unsorted", "-m", "--first-parent", "-M", "-z", "--name-status", format];
  return {
    has: (id: string): boolean => commits.has(id),
    read: (ids: readonly string[]) => {
      if (!ids.every((id) => commits.has(id))) {
        const all = git("rev-list", "--all").toString("utf8").split("\n");
        const missing = [...new Set([...ids, ...all])].filter((id) => id !== "" && !commits.has(id));
        for (const output of git("log", ...flags, ...missing)
          .toString("utf8")
          .split("\x01")
          .slice(1)) {
          const commit = describeCommit(output);
          commits.set(commit.described.sha, commit);
        }
      }
      return ids.flatMap((id) => commits.get(id) ?? []);
    },
  };
};
type CommitReader = ReturnType<typeof createCommitReader>;

/** A branch, a tag or the beginning of an id. https://docs.github.com/en/rest/commits/commits#get-a-commit */
const getCommit = (git: Git, commits: CommitReader, ref: string): GitHubResponse => {
  const sha = commits.has(ref)
    ? ref
    : tryGit(git, "rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`)?.trim();
  if (sha === undefined && tryGit(git, "rev-parse", "--verify", "--quiet", "HEAD") === undefined)
    return createErrorResponse(409, "Git Repository is empty.");
  // GitHub sends this both for a full id without a commit and for an unknown name.
  if (sha === undefined || ref.length > 250)
    return createErrorResponse(422, `No commit found for SHA: ${ref}`);
  const [commit] = commits.read([sha]);
  return { status: 200, body: { ...commit?.described, files: commit?.files } };
};

/** GitHub's data outside git: who moved a branch, pull requests, verified signatures, accounts of addresses. */
export type GitHubRecord = {
  readonly activities?: readonly object[];
  /** Activities of forks, by `owner/name`. */
  readonly forks?: Readonly<Record<string, readonly object[]>>;
  /** By the merge's commit. */
  readonly pulls?: Readonly<
    Record<
      string,
      { readonly number: number; readonly commits: readonly string[]; readonly [field: string]: unknown }
    >
  >;
  readonly verified?: ReadonlySet<string>;
  readonly accounts?: Readonly<Record<string, string>>;
};

/** Commits in a list come without their files. */
const listCommits = (
  commits: CommitReader,
  ids: readonly string[],
  { verified, accounts = {} }: GitHubRecord,
): object[] =>
  commits.read(ids).map(({ described }) => {
    const account = (email = "") => (accounts[email] === undefined ? null : { login: accounts[email] });
    return {
      ...described,
      commit: { ...described.commit, verification: { verified: verified?.has(described.sha) ?? false } },
      author: account(described.commit.author.email),
      committer: account(described.commit.committer.email),
    };
  });

/** Compare, list of commits, activity, pull requests: GitHub's data about a history. */
const handleHistory = (
  git: Git,
  commits: CommitReader,
  path: string,
  query: URLSearchParams,
  record: GitHubRecord,
): GitHubResponse | undefined => {
  const size = Number(query.get("per_page") ?? 30);
  const page = <T>(all: readonly T[]): T[] => {
    const start = (Number(query.get("page") ?? 1) - 1) * size;
    return all.slice(start, start + size);
  };
  const revisions = (...args: string[]): string[] =>
    git("rev-list", ...args)
      .toString("utf8")
      .split("\n")
      .filter((id) => id !== "");
  if (path === "") return { status: 200, body: { default_branch: "main" } };
  if (path === "activity") {
    const ref = query.get("ref");
    const all = (record.activities ?? []).filter((row) => ref === null || ("ref" in row && row.ref === ref));
    const start = Number(query.get("after") ?? 0);
    const link = `<${base}/activity?after=${start + size}>; rel="next"`;
    return {
      status: 200,
      body: all.slice(start, start + size),
      ...(start + size < all.length && { link }),
    };
  }
  if (path === "commits")
    return { status: 200, body: listCommits(commits, page(revisions(query.get("sha") ?? "HEAD")), record) };
  const [, from = "", to = ""] = /^compare\/(\w+)\.\.\.(\w+)$/.exec(path) ?? [];
  if (to !== "") {
    const shared = tryGit(git, "merge-base", from, to)?.trim();
    if (shared === undefined) return createErrorResponse(404, "Not Found");
    const all = revisions("--reverse", to, `^${from}`);
    const [merge_base_commit] = listCommits(commits, [shared], record);
    const listed = listCommits(commits, page(all), record);
    return { status: 200, body: { total_commits: all.length, merge_base_commit, commits: listed } };
  }
  const [, commit] = /^commits\/(\w+)\/pulls$/.exec(path) ?? [];
  if (commit !== undefined) return { status: 200, body: [record.pulls?.[commit]].filter((pull) => pull) };
  const [, number] = /^pulls\/(\d+)\/commits$/.exec(path) ?? [];
  const pull = Object.values(record.pulls ?? {}).find((each) => String(each.number) === number);
  return pull && { status: 200, body: listCommits(commits, page(pull.commits), record) };
};

const Query = z.object({
  query: z.string(),
  variables: z.object({ owner: z.literal("example"), name: z.literal("models") }),
});
const wholeQuery =
  /^query\(\$owner: String!, \$name: String!\) \{ repository\(owner: \$owner, name: \$name\) \{ (.*) \} \}$/s;
const oneObject = /(\w+): object\(expression: ("(?:[^"\\]|\\.)*")\) \{ oid \} ?/gs;

/**
 * The only query in use: ids of objects by an expression of `git rev-parse`, null for a missing object.
 * https://docs.github.com/en/graphql/reference/objects#repository
 */
const queryObjects = (git: Git, body: string): GitHubResponse => {
  const [, objects] = wholeQuery.exec(Query.parse(JSON.parse(body)).query) ?? [];
  if (objects === undefined || objects.replaceAll(oneObject, "") !== "")
    throw new Error(`unknown query: ${body}`);
  const expressions = [...objects.matchAll(oneObject)].map(
    ([, alias = "", expression = ""]) => [alias, String(JSON.parse(expression))] as const,
  );
  const folder = git("rev-parse", "--absolute-git-dir").toString("utf8").trim();
  const ids = execFileSync("git", [`--git-dir=${folder}`, "cat-file", "--batch-check=%(objectname)"], {
    input: expressions.map(([, expression]) => `${expression}\n`).join(""),
    encoding: "utf8",
  }).split("\n");
  const entries = expressions.map(([alias], index) => {
    const id = ids[index] ?? "";
    return [alias, /^[0-9a-f]{40}$/.test(id) ? { oid: id } : null];
  });
  return { status: 200, body: { data: { repository: Object.fromEntries(entries) } } };
};

/** https://docs.github.com/en/rest/git/trees#get-a-tree */
const getTree = (git: Git, sha: string): GitHubResponse => {
  const output = tryGit(git, "ls-tree", "-z", "-l", "--full-tree", sha);
  if (output === undefined) return createErrorResponse(404, "Not Found");
  const tree = output
    .split("\0")
    .filter((line) => line !== "")
    .map((line) => {
      const [, mode, type, id, size, path] = /^(\d+) (\w+) (\w+) +(\d+|-)\t(.*)$/s.exec(line) ?? [];
      return {
        path,
        mode,
        type,
        sha: id,
        ...(size !== "-" && { size: Number(size) }),
        url: `${base}/git/${id}`,
      };
    });
  return { status: 200, body: { sha, url: `${base}/git/trees/${sha}`, tree, truncated: false } };
};

/** `application/vnd.github.raw+json` returns only the bytes. https://docs.github.com/en/rest/git/blobs#get-a-blob */
const getBlob = (git: Git, sha: string): GitHubResponse => {
  try {
    const raw = git("cat-file", "blob", sha);
    const body = {
      sha,
      node_id: sha,
      size: raw.length,
      url: `${base}/git/blobs/${sha}`,
      content: raw.toString("base64"),
      encoding: "base64",
    };
    return { status: 200, body, raw };
  } catch {
    return createErrorResponse(404, "Not Found");
  }
};

/** GitHub requires these headers. https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api */
const checkHeaders = (headers: IncomingHttpHeaders, token: string): GitHubResponse | undefined => {
  if (!headers["user-agent"]) return createErrorResponse(403, "Request forbidden by administrative rules.");
  if (headers["x-github-api-version"] !== "2022-11-28")
    return createErrorResponse(400, "Unsupported version");
  // GitHub hides a private repository from callers without access.
  if (headers.authorization !== `Bearer ${token}`) return createErrorResponse(404, "Not Found");
  return undefined;
};

/**
 * A stub of GitHub's REST API for a local git repository named example/models. It checks calls and responses against
 * GitHub's published OpenAPI description (openapi.json). `mishap`: the next call gets this response instead.
 */
export const startGitHubServer = async ({
  git,
  token,
  record = {},
}: {
  readonly git: Git;
  readonly token: string;
  readonly record?: GitHubRecord;
}) => {
  const { operations } = Excerpt.parse(
    JSON.parse(await readFile(new URL("openapi.json", import.meta.url), "utf8")),
  );
  const commits = createCommitReader(git);
  const schemas = new Map<unknown, z.ZodType>();
  let mishap: { readonly status: number; readonly headers: Record<string, string> } | undefined;

  const check = (operation: Operation, { status, body }: GitHubResponse, query: URLSearchParams): void => {
    // The excerpt describes only commits, trees and blobs.
    if (operation === "of-a-history" || operation === "a-query") return;
    const described = operations[operation];
    for (const name of query.keys())
      if (!described?.query.includes(name)) throw new Error(`${operation} has no parameter ${name}`);
    const schema = described?.statuses[String(status)];
    if (!schema) throw new Error(`${operation} never responds with ${status}`);
    const parser =
      schemas.get(schema) ??
      z.fromJSONSchema(z.record(z.string(), z.unknown()).parse(schema), { defaultTarget: "openapi-3.0" });
    schemas.set(schema, parser);
    parser.parse(body);
  };

  const route = (
    path: string,
    query: URLSearchParams,
    body: string,
  ): readonly [Operation, GitHubResponse] | undefined => {
    if (path === "/graphql") return ["a-query", queryObjects(git, body)];
    const [, below] = /^\/repos\/example\/models\/?(.*)$/.exec(path) ?? [];
    const [, fork = ""] = /^\/repos\/(.*)\/activity$/.exec(path) ?? [];
    const forkActivities = record.forks?.[fork];
    const response = forkActivities
      ? handleHistory(git, commits, "activity", query, { activities: forkActivities })
      : below === undefined
        ? undefined
        : handleHistory(git, commits, below, query, record);
    if (response) return ["of-a-history", response];
    const [, kind, rest = ""] =
      /^\/repos\/example\/models\/(commits|git\/trees|git\/blobs)\/(.+)$/.exec(path) ?? [];
    const name = decodeURIComponent(rest);
    switch (kind) {
      case "commits":
        return ["get-a-commit", getCommit(git, commits, name)];
      case "git/trees":
        return ["get-a-tree", getTree(git, name)];
      case "git/blobs":
        return ["get-a-blob", getBlob(git, name)];
      default:
        return undefined;
    }
  };

  const send = (to: ServerResponse, { status, body, link }: GitHubResponse) =>
    to
      .writeHead(status, { "content-type": "application/json; charset=utf-8", ...(link && { link }) })
      .end(JSON.stringify(body));

  const server = createServer(async (request, response) => {
    try {
      const body = await text(request);
      if (mishap) {
        const { status, headers } = mishap;
        mishap = undefined;
        response.writeHead(status, headers).end(JSON.stringify({ message: "a mishap" }));
        return;
      }
      const { pathname, searchParams } = new URL(request.url ?? "/", base);
      const refused = checkHeaders(request.headers, token);
      const matched = refused ? undefined : route(pathname, searchParams, body);
      if (!matched) {
        send(response, refused ?? createErrorResponse(404, "Not Found"));
        return;
      }
      check(matched[0], matched[1], searchParams);
      const { raw } = matched[1];
      if (raw && request.headers.accept === "application/vnd.github.raw+json")
        response.writeHead(200, { "content-type": "application/vnd.github.raw+json" }).end(raw);
      else send(response, matched[1]);
    } catch (error) {
      // An error of this stub, with a status that GitHub never sends.
      response.writeHead(418).end(String(error));
    }
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    mishap: (status: number, headers: Record<string, string> = {}) => {
      mishap = { status, headers };
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
};
