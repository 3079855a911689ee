import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sourceContract } from "#test/contracts/source.ts";
import { type GitHubRecord, startGitHubServer } from "#test/peers/github/github-server.ts";
import { readAllModelFiles } from "#test/support/copy-model-files.ts";
import { createGitRepository } from "#test/support/git-repository.ts";
import { type ImportedCommit, importCommits } from "#test/support/import-commits.ts";
import { createGitSource } from "./git.ts";
import { createGitHubClient, type GitHubClientDependencies } from "./github/github-client.ts";
import { createGitHubSource } from "./github.ts";
import { createGitHubHistory } from "./github-history.ts";
import { type HistoryCommit, listKnownChanges } from "./source.ts";

const token = "ghs_of-the-test";
const createSourceWithHistory = (needs: GitHubClientDependencies) => {
  const client = createGitHubClient(needs);
  return { ...createGitHubSource(client), ...createGitHubHistory(client) };
};
const startGitHub = async () => {
  const repository = await createGitRepository();
  const github = await startGitHubServer({ git: repository.git, token });
  const source = (over: Partial<GitHubClientDependencies> = {}) =>
    createSourceWithHistory({
      repository: "example/models",
      token: async () => token,
      fetch,
      api: github.url,
      ...over,
    });
  return {
    repository,
    github,
    source,
    close: async () => {
      await github.stop();
      await repository.remove();
    },
  };
};

sourceContract("GitHub's REST API over a git repository", async () => {
  const { source, repository, close } = await startGitHub();
  return { source: source(), commit: repository.commit, git: repository.git, close };
});

let world: Awaited<ReturnType<typeof startGitHub>>;
let first: string;
beforeAll(async () => {
  world = await startGitHub();
  first = await world.repository.commit({ "models/churn/model.yaml": "x" }, "A model");
});
afterAll(() => world?.close());

test("a symbolic link in a model's folder is refused by name, and is not a file", async () => {
  await symlink("/etc/passwd", join(world.repository.path, "models/churn/link"));
  const id = await world.repository.commit({}, "A link");
  await expect(readAllModelFiles(world.source(), "churn", id)).rejects.toMatchObject({
    name: "ModelFilesRefused",
    message: expect.stringMatching(/models\/churn\/link is a symbolic link/),
  });
  expect(await world.source().file("models/churn/link", id)).toBeUndefined();
});

test("a folder that became a file is a change of both", async () => {
  const folder = await world.repository.commit({ "models/both/a": "1" }, "A folder");
  world.repository.git("rm", "-r", "--quiet", "models/both");
  const file = await world.repository.commit({ "models/both": "2" }, "A file");
  expect([...(await world.source().changedPaths(folder, file))].sort()).toEqual([
    "models/both",
    "models/both/a",
  ]);
});

test.each([
  [429, {}],
  [403, { "retry-after": "60" }],
  [403, { "x-ratelimit-remaining": "0" }],
  [502, {}],
] as const)("an answer %i with %j is a TemporaryFault", async (status, headers) => {
  world.github.mishap(status, { ...headers });
  await expect(world.source().commit(first)).rejects.toMatchObject({ name: "TemporaryFault" });
  expect((await world.source().commit(first)).id).toBe(first);
});

test("a lost connection is a TemporaryFault without the token", async () => {
  const source = world.source({
    fetch: async () => {
      throw new TypeError("fetch failed");
    },
  });
  await expect(source.commit(first)).rejects.toMatchObject({
    name: "TemporaryFault",
    message: expect.not.stringContaining(token),
  });
});

test("a token that may not read is refused, and the message contains no token", async () => {
  world.github.mishap(401);
  await expect(world.source().commit(first)).rejects.toMatchObject({
    name: "GitHubRefused",
    message: expect.not.stringContaining(token),
  });
});

const zeroId = "0".repeat(40);
const createdAt = "2026-01-01T00:00:00Z";
const activity = (
  ref: string,
  type: string,
  login: string,
  before: string,
  after: string,
  timestamp: string = createdAt,
) => ({ ref: `refs/heads/${ref}`, activity_type: type, actor: { login }, before, after, timestamp });

/** Bob merges Ada's pull request of the branch `feature`, one commit since main, by a squash on GitHub's pages. */
const readSquashedHistory = async (
  activities: (ids: { readonly before: string; readonly head: string }) => readonly object[],
  { isSigned = false, histories = 1 } = {},
) => {
  const repository = await createGitRepository();
  const before = await repository.commit({ "models/churn/model.yaml": "1" }, "A model");
  repository.git("checkout", "-q", "-b", "feature");
  const head = await repository.commit({ "models/churn/model.yaml": "2" }, "A change");
  repository.git("checkout", "-q", "main");
  repository.git("merge", "-q", "--squash", "feature");
  const after = await repository.commit({}, "A change (#7)");
  const github = await startGitHubServer({
    git: repository.git,
    token,
    record: {
      // Newest first.
      activities: [activity("main", "pr_merge", "bob", before, after), ...activities({ before, head })],
      pulls: {
        [after]: {
          number: 7,
          merged_at: createdAt,
          merge_commit_sha: after,
          user: { login: "ada" },
          head: { ref: "feature", sha: head, repo: { full_name: "example/models" } },
          commits: [head],
        },
      },
      verified: new Set(isSigned ? [after, head] : [after]),
      accounts: { "ada@example.com": "ada" },
    },
  });
  try {
    const calls: string[] = [];
    const source = createSourceWithHistory({
      repository: "example/models",
      token: async () => token,
      fetch: (url, options) => {
        calls.push(String(url));
        return fetch(url, options);
      },
      api: github.url,
    });
    for (let more = 1; more < histories; more++) await source.history(after, [before]);
    return { before, head, after, calls, ...(await source.history(after, [before])) };
  } finally {
    await github.stop();
    await repository.remove();
  }
};
const listPushers = async (...of: Parameters<typeof readSquashedHistory>) =>
  (await readSquashedHistory(...of)).updates.map(({ merged }) => merged?.by);

test("a merge on GitHub's pages comes with its pull request's commits and with who pushed to its branch", async () => {
  const { before, head, after, commits, updates } = await readSquashedHistory((ids) => [
    activity("feature", "push", "sam", ids.before, ids.head),
    activity("feature", "branch_creation", "ada", zeroId, ids.before),
  ]);
  expect(commits).toMatchObject([
    { id: after, signature: { by: "account", login: "github:ada" }, authorAccount: "github:ada" },
  ]);
  expect(updates).toMatchObject([
    {
      before,
      after,
      by: "github:bob",
      merged: {
        name: "pull request #7",
        commits: [{ id: head, signature: { by: "nobody" } }],
        by: ["github:ada", "github:sam", "github:ada"],
      },
    },
  ]);
});

test("a person who pushed a commit earlier, to another branch or to a deleted one, is a pusher of the pull request", async () => {
  const creation = (head: string) => activity("feature", "branch_creation", "eve", zeroId, head);
  expect(
    await listPushers(({ before, head }) => [
      creation(head),
      activity("other", "push", "sam", before, head),
      activity("other", "branch_creation", "sam", zeroId, before),
    ]),
  ).toEqual([["github:ada", "github:eve", "github:sam"]]);
  expect(
    await listPushers(({ before, head }) => [
      creation(head),
      activity("feature", "branch_deletion", "eve", head, zeroId),
      activity("feature", "push", "sam", before, head),
      activity("feature", "branch_creation", "sam", zeroId, before),
    ]),
  ).toEqual([["github:ada", "github:eve", "github:sam"]]);
  expect(
    await listPushers(({ before, head }) => [
      activity("feature", "push", "eve", before, head),
      activity("feature", "branch_creation", "eve", zeroId, before),
      activity("other", "branch_creation", "sam", zeroId, head),
    ]),
  ).toEqual([["github:ada", "github:eve", "github:eve", "github:sam"]]);
});

test("the person who created a branch with new commits pushed them, and a person who reused them later did not", async () => {
  expect(
    await listPushers(({ head }) => [
      activity("later", "branch_creation", "sam", zeroId, head),
      activity("feature", "branch_creation", "eve", zeroId, head),
    ]),
  ).toEqual([["github:ada", "github:eve"]]);
});

test("a commit that was on a branch before its record begins has an unknown pusher", async () => {
  expect(
    await listPushers(({ head }) => [
      activity("feature", "branch_creation", "eve", zeroId, head),
      activity("other", "push", "sam", head, "1".repeat(40)),
    ]),
  ).toEqual([["github:ada", "github:eve", null]]);
});

test("the record of all branches is read once for all histories of a commit", async () => {
  const { calls } = await readSquashedHistory(
    ({ head }) => [activity("feature", "branch_creation", "eve", zeroId, head)],
    { histories: 3 },
  );
  expect(calls.filter((url) => /activity\?per_page/.test(url))).toHaveLength(1);
});

test("a commit that its maker signed needs no pusher", async () => {
  const activities: Parameters<typeof readSquashedHistory>[0] = ({ before, head }) => [
    activity("feature", "branch_creation", "eve", zeroId, head),
    activity("other", "push", "sam", before, head),
  ];
  expect(await listPushers(activities, { isSigned: true })).toEqual([["github:ada", "github:eve"]]);
});

test.each([
  ["reaches back 30 days before the branch was created, its creator pushed them", "2025-12-01T00:00:00Z", []],
  ["ends sooner, no one is named", "2025-12-15T00:00:00Z", [null]],
])("commits of a new branch, with a record longer than is read: if it %s", async (_, oldest, more) => {
  expect(
    await listPushers(({ before, head }) => [
      activity("feature", "branch_creation", "eve", zeroId, head),
      ...Array.from({ length: 2_100 }, () =>
        activity("noise", "push", "sam", before, "1".repeat(40), oldest),
      ),
    ]),
  ).toEqual([["github:ada", "github:eve", ...more]]);
});

describe("in a history of more than 500 commits", () => {
  const notes = (count: number): ImportedCommit[] =>
    Array.from({ length: count }, (_, index) => ({
      author: "bob@example.com",
      files: { [`notes/${index}`]: `${index}` },
    }));
  const by = (
    author: string,
    files: ImportedCommit["files"],
    parents?: readonly number[],
  ): ImportedCommit => ({
    author: `${author}@example.com`,
    files,
    ...(parents && { parents }),
  });
  const manifest = "models/churn/model.yaml";
  const about = ["models/churn", "package.json"];

  /** `isQueryable`: the server answers queries. */
  const historyOf = async (
    commits: readonly ImportedCommit[],
    {
      record = () => ({}),
      query,
    }: {
      record?: (ids: readonly string[]) => GitHubRecord;
      query?: (body: string) => Response | undefined;
    } = {},
  ) => {
    const repository = await createGitRepository();
    const ids = importCommits(repository.path, commits);
    const github = await startGitHubServer({ git: repository.git, token, record: record(ids) });
    const calls: string[] = [];
    try {
      const source = createSourceWithHistory({
        repository: "example/models",
        token: async () => token,
        fetch: async (url, options) => {
          calls.push(String(url));
          const isQuery = String(url).endsWith("/graphql");
          const answer = isQuery ? query?.(String(options?.body)) : undefined;
          return answer ?? fetch(url, options);
        },
        api: github.url,
      });
      const history = await source.history("main", [], about);
      const local = await createGitSource({ repository: repository.path }).history("main", []);
      return { ...history, ids, calls, local: local.commits };
    } finally {
      await github.stop();
      await repository.remove();
    }
  };
  const places = (ids: readonly string[], commits: readonly HistoryCommit[]) =>
    commits
      .filter(({ changes }) => changes !== "elsewhere")
      .map(({ id }) => ids.indexOf(id))
      .toSorted((a, b) => a - b);

  test("changes are read only of commits that touch the requested paths", async () => {
    const commits = notes(620);
    commits[3] = by("ada", { [manifest]: "1" });
    commits[310] = by("ada", { [manifest]: "2", "README.md": "2" });
    commits[400] = by("sam", { "package.json": "{}" });
    commits[401] = by("sam", { "models/churn-2/model.yaml": "another" });
    const { ids, calls, commits: found, complete } = await historyOf(commits);
    expect([complete, found.length]).toEqual([true, 620]);
    expect(places(ids, found)).toEqual([3, 310, 400]);
    expect(found.find(({ id }) => id === ids[310])?.changes).toEqual([
      { path: "README.md" },
      { path: manifest },
    ]);
    // Lists of 100, queries of 66 commits and the three.
    expect(calls.length).toBeLessThan(30);
  });

  test("a query that takes GitHub too long is repeated in halves", async () => {
    const commits = notes(620);
    commits[3] = by("ada", { [manifest]: "1" });
    const {
      ids,
      commits: found,
      complete,
    } = await historyOf(commits, {
      query: (body) =>
        (body.match(/oid/g)?.length ?? 0) > 60 ? new Response("", { status: 504 }) : undefined,
    });
    expect([complete, places(ids, found)]).toEqual([true, [3]]);
  });

  test("a merge that takes the content of one side counts with both sides, as if all changes were read", async () => {
    const commits = notes(600);
    // Ada's change on main, the same by Sam on another branch, and a merge that has nothing but Sam's.
    commits[100] = by("ada", { [manifest]: "1" });
    commits[101] = by("sam", { [manifest]: "1" }, [99]);
    commits[102] = by("bob", { [manifest]: "1" }, [101, 100]);
    // A merge that drops one side's change, and a change on the other side that was reverted.
    commits[200] = by("ada", { [manifest]: "2" });
    commits[201] = by("sam", { "notes/other": "1" }, [199]);
    commits[202] = by("bob", { [manifest]: "1" }, [200, 201]);
    commits[300] = by("ada", { [manifest]: "3" });
    commits[301] = by("ada", { [manifest]: "1" });
    commits[302] = by("sam", { "notes/other": "2" }, [299]);
    commits[303] = by("bob", {}, [302, 301]);
    // A merge with its own change, and a merge that touches nothing.
    commits[400] = by("sam", { "notes/other": "3" }, [398]);
    commits[401] = by("eve", { [manifest]: "evil" }, [399, 400]);
    commits[500] = by("sam", { "notes/other": "4" }, [498]);
    commits[501] = by("bob", {}, [499, 500]);
    const { ids, commits: found, local, complete } = await historyOf(commits);
    expect(complete).toBe(true);
    const touching = local.filter((one) => listKnownChanges(one).some(({ path }) => path === manifest));
    expect(places(ids, found)).toEqual(places(ids, touching));
    expect(places(ids, found)).toEqual([100, 101, 200, 202, 300, 301, 401]);
  });

  test("moved content is followed to where it was made, over any number of moves", async () => {
    const commits = notes(600);
    commits[5] = by("ada", { "lab/model.onnx": "ada's model" });
    commits[6] = by("sam", { "lab/other.onnx": "of no concern" });
    commits[7] = by("eve", { "models/old/head.onnx": "eve's head" });
    commits[300] = by("bob", { "lab/model.onnx": null, "models/old/model.onnx": "ada's model" });
    commits[500] = by("bob", { "models/old/model.onnx": null, "models/churn/model.onnx": "ada's model" });
    const { ids, commits: found, complete } = await historyOf(commits);
    expect([complete, places(ids, found)]).toEqual([true, [5, 7, 300, 500]]);
  });

  test("pull requests are found if they changed the requested paths, with any number of later ones", async () => {
    const commits = notes(600);
    commits[3] = by("ada", { [manifest]: "1" });
    const { calls, updates } = await historyOf(commits, {
      record: (ids) => ({
        // Newest first.
        activities: [
          ...Array.from({ length: 150 }, (_, index) =>
            activity("main", "pr_merge", "bob", ids[598 - index] ?? "", ids[599 - index] ?? ""),
          ),
          activity("main", "pr_merge", "bob", ids[2] ?? "", ids[3] ?? ""),
        ],
        pulls: {
          [ids[3] ?? ""]: {
            number: 7,
            merged_at: createdAt,
            merge_commit_sha: ids[3],
            user: { login: "ada" },
            head: { ref: "feature", sha: ids[3], repo: null },
            commits: [ids[3] ?? ""],
          },
        },
      }),
    });
    expect(updates).toHaveLength(151);
    expect(updates.at(-1)?.merged).toMatchObject({ name: "pull request #7", isWhole: true });
    expect(calls.filter((url) => /commits\/\w+\/pulls/.test(url))).toHaveLength(1);
  });

  test.each([
    ["more than 500 touch it", 520, undefined],
    ["the server supports no queries", 1, () => new Response("{}", { status: 404 })],
    ["even small queries take it too long", 1, () => new Response("", { status: 502 })],
    ["a query ends in another error", 1, () => Response.json({ data: null, errors: [{ type: null }] })],
    ["a query returns a page", 1, () => new Response("<html>")],
  ])("the newest 500 are read and it is not complete where %s", async (_, touching, query) => {
    const commits = notes(620).map((one, index) =>
      index < touching ? by("ada", { [manifest]: `${index}` }) : one,
    );
    const { ids, commits: found, complete } = await historyOf(commits, query ? { query } : {});
    expect(complete).toBe(false);
    expect(places(ids, found)).toEqual(Array.from({ length: 500 }, (_, index) => 120 + index));
  });
});

describe("a merge that GitHub does not describe completely", () => {
  test.each([
    ["the comparison is refused", "/compare/", 422],
    ["the comparison names no base", "/compare/", 200],
    ["a tree is missing", "/git/trees/", 404],
    ["a tree is truncated", "/git/trees/", 200],
  ])("is not clean if %s", async (_, part, status) => {
    const { repository, source, close } = await startGitHub();
    try {
      await repository.commit({ "models/churn/model.yaml": "1" }, "First");
      repository.git("checkout", "--quiet", "-b", "feature");
      await repository.commit({ "models/churn/model.yaml": "2" }, "Theirs");
      repository.git("checkout", "--quiet", "main");
      repository.git("merge", "--quiet", "--no-ff", "--no-edit", "feature");
      expect(await source().isCleanMerge("main")).toBe(true);
      const answering = source({
        fetch: async (url, options) =>
          String(url).includes(part)
            ? Response.json({ total_commits: 0, commits: [], tree: [], truncated: true }, { status })
            : fetch(url, options),
      });
      expect(await answering.isCleanMerge("main")).toBe(false);
    } finally {
      await close();
    }
  });

  test("is not clean if it would take over a thousand calls", async () => {
    const { repository, source, close } = await startGitHub();
    try {
      const folders = (count: number, content: string) =>
        Object.fromEntries(
          Array.from({ length: count }, (_, index) => [`models/m${index}/a`, `${content} of ${index}`]),
        );
      await repository.commit({ ...folders(520, "1"), "models/churn/a": "1" }, "First");
      repository.git("checkout", "--quiet", "-b", "feature");
      await repository.commit(folders(520, "2"), "Theirs");
      repository.git("checkout", "--quiet", "main");
      repository.git("merge", "--quiet", "--no-ff", "--no-edit", "feature");
      const calls: string[] = [];
      const counting = source({
        fetch: async (url, options) => {
          calls.push(String(url));
          return fetch(url, options);
        },
      });
      expect(await counting.isCleanMerge("main")).toBe(false);
      expect(calls.length).toBeLessThan(1_100);
    } finally {
      await close();
    }
  });
});
