import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sourceContract } from "../../test/contracts/source.ts";
import { gitRepository } from "../../test/git-repository.ts";
import { gitHubServer } from "../../test/peers/github/github-server.ts";
import { gitHubSource } from "./github.ts";

const token = "ghs_of-the-test";
const onGitHub = async () => {
  const repository = await gitRepository();
  const github = await gitHubServer({ git: repository.git, token });
  const source = (over: Partial<Parameters<typeof gitHubSource>[0]> = {}) =>
    gitHubSource({ repository: "example/models", token: async () => token, fetch, api: github.url, ...over });
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
  const { source, repository, close } = await onGitHub();
  return { source: source(), commit: repository.commit, close };
});

let world: Awaited<ReturnType<typeof onGitHub>>;
let first: string;
beforeAll(async () => {
  world = await onGitHub();
  first = await world.repository.commit({ "models/churn/model.yaml": "x" }, "A model");
});
afterAll(() => world?.close());

test("a symbolic link in a model's folder is refused by name, and is no file", async () => {
  await symlink("/etc/passwd", join(world.repository.path, "models/churn/link"));
  const id = await world.repository.commit({}, "A link");
  await expect(world.source().modelFiles("churn", id)).rejects.toMatchObject({
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

test("a token that may not read is refused, and the message holds no token", async () => {
  world.github.mishap(401);
  await expect(world.source().commit(first)).rejects.toMatchObject({
    name: "GitHubRefused",
    message: expect.not.stringContaining(token),
  });
});

test("a merge on GitHub's pages comes with its pull request's commits and with who pushed to its branch", async () => {
  const repository = await gitRepository();
  const before = await repository.commit({ "models/churn/model.yaml": "1" }, "A model");
  repository.git("checkout", "-q", "-b", "feature");
  const head = await repository.commit({ "models/churn/model.yaml": "2" }, "A change");
  repository.git("checkout", "-q", "main");
  repository.git("merge", "-q", "--squash", "feature");
  const after = await repository.commit({}, "A change (#7)");
  const activity = (ref: string, type: string, login: string, from: string, to: string) => ({
    ref: `refs/heads/${ref}`,
    activity_type: type,
    actor: { login },
    before: from,
    after: to,
  });
  const github = await gitHubServer({
    git: repository.git,
    token,
    record: {
      // The stand-in gives both branches' activities whatever is asked: those that fit are picked by their commits.
      activities: [
        activity("main", "pr_merge", "bob", before, after),
        activity("feature", "push", "sam", before, head),
        activity("feature", "branch_creation", "ada", "0".repeat(40), before),
        activity("feature", "push", "before-the-branch", before, head),
      ],
      pulls: {
        [after]: {
          number: 7,
          merged_at: "2026-01-01T00:00:00Z",
          merge_commit_sha: after,
          user: { login: "ada" },
          head: { ref: "feature", sha: head, repo: { full_name: "example/models" } },
          commits: [head],
        },
      },
      verified: new Set([after]),
      accounts: { "ada@example.com": "ada" },
    },
  });
  try {
    const source = gitHubSource({
      repository: "example/models",
      token: async () => token,
      fetch,
      api: github.url,
    });
    const { commits, updates } = await source.history(after, [before]);
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
  } finally {
    await github.stop();
    await repository.remove();
  }
});
