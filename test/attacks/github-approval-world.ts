/** What GitHub records of the people of approval-world.ts: pushes, merges, pull requests. */
import { execFileSync } from "node:child_process";
import { createGitHubClient } from "#platform/source/github/github-client.ts";
import { createGitHubSource } from "#platform/source/github.ts";
import { createGitHubHistory } from "#platform/source/github-history.ts";
import type { CommitHistory, HistoryCommit, RefUpdate, Source } from "#platform/source/source.ts";
import { type GitHubRecord, startGitHubServer } from "#test/peers/github/github-server.ts";
import { gitEnvironment } from "#test/support/git-repository.ts";
import { type Person, repository, toEmail } from "./approval-world.ts";

/** Adds GitHub's data that git does not have to a real repository's commits. */
export const playGitHubHistory =
  ({
    updates = [],
    signed = {},
    accounts = {},
    pulls = {},
    branches = "unknown",
  }: {
    readonly branches?: readonly RefUpdate[] | "unknown";
    readonly updates?: readonly (Omit<RefUpdate, "merged"> & { readonly pull?: string })[];
    readonly signed?: Readonly<Record<string, HistoryCommit["signature"]>>;
    readonly accounts?: Readonly<Record<string, string>>;
    readonly pulls?: Readonly<
      Record<
        string,
        {
          readonly head: string;
          readonly base: string;
          readonly by: readonly (string | null)[];
          readonly isWhole?: boolean;
        }
      >
    >;
  }) =>
  (source: Source & CommitHistory): Source & CommitHistory => {
    const addHostFacts = (commit: HistoryCommit): HistoryCommit => ({
      ...commit,
      signature: signed[commit.id] ?? commit.signature,
      authorAccount: accounts[commit.author.email] ?? null,
    });
    return {
      ...source,
      history: async (head, without, about) => {
        const { commits, complete } = await source.history(head, without, about);
        const refUpdates: RefUpdate[] = [];
        for (const { pull, ...update } of updates) {
          const facts = pull === undefined ? undefined : pulls[pull];
          refUpdates.push({
            ...update,
            merged: facts
              ? {
                  name: `pull request ${pull}`,
                  commits: (await source.history(facts.head, [facts.base])).commits.map(addHostFacts),
                  by: facts.by,
                  merges: [],
                  isWhole: facts.isWhole ?? true,
                }
              : null,
          });
        }
        return { commits: commits.map(addHostFacts), updates: refUpdates, branches, complete };
      },
    };
  };

export const logins = {
  people: Object.fromEntries(
    ["ada", "bob", "sam", "eve"].map((person) => [toEmail(person), { logins: [`github:${person}`] }]),
  ),
  bots: ["github:dependabot[bot]"],
};

/** GitHub's API over the repository, with GitHub's own records. */
export const useGitHubServer = async <Result>(
  record: GitHubRecord,
  play: (vouch: () => Source & CommitHistory) => Promise<Result>,
): Promise<Result> => {
  const git = (...args: string[]) => execFileSync("git", args, { cwd: repository.path, env: gitEnvironment });
  const github = await startGitHubServer({ git, token: "ghs_test", record });
  const api = github.url;
  try {
    return await play(() => {
      const client = createGitHubClient({
        repository: "example/models",
        token: async () => "ghs_test",
        fetch,
        api,
      });
      return { ...createGitHubSource(client), ...createGitHubHistory(client) };
    });
  } finally {
    await github.stop();
  }
};

export const nullCommit = "0".repeat(40);

export const createActivity = (ref: string, type: string, login: string, before: string, after: string) => ({
  ref: `refs/heads/${ref}`,
  activity_type: type,
  actor: { login },
  before,
  after,
  timestamp: "2026-01-01T00:00:00Z",
});

/** GitHub's record of a pull request that was merged on its pages. */
export const pullRequest = (
  number: number,
  by: Person,
  head: { readonly ref: string; readonly sha: string },
  merged: string,
  commits: readonly string[],
) => ({
  number,
  merged_at: "2026-01-01T00:00:00Z",
  merge_commit_sha: merged,
  user: { login: by },
  head: { ...head, repo: { full_name: "example/models" } },
  commits,
});

export const mergeOnHost = (branch: string, by: Person) => {
  repository.git(
    ["merge", "-q", "--no-ff", branch, "-m", `Merge ${branch}`],
    repository.as(by, "noreply@github.com"),
  );
  return repository.head();
};
