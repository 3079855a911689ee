import * as z from "zod";

const Sha = z.object({ sha: z.string() });
const Person = z.object({ name: z.string().default(""), email: z.string().default("") });
const Account = z.object({ login: z.string().optional() }).nullable();
export type Account = z.infer<typeof Account>;

/** One commit. https://docs.github.com/en/rest/commits/commits#get-a-commit */
export const CommitResponse = z.object({
  sha: z.string(),
  parents: z.array(Sha),
  commit: z.object({
    author: Person.nullable(),
    committer: z.object({ date: z.string().default("") }).nullable(),
    message: z.string(),
    tree: Sha,
  }),
});
/** A commit, resolved from any revision. */
export type ResolvedCommit = z.infer<typeof CommitResponse>;

/** The files of one commit; missing if it has none. */
export const CommitFiles = z.object({
  files: z.array(z.object({ filename: z.string(), previous_filename: z.string().optional() })).default([]),
});

/** A commit in a list, with what GitHub knows about its signature and accounts. */
export const ListedCommit = z.object({
  sha: z.string(),
  parents: z.array(Sha),
  commit: z.object({
    author: Person.nullable(),
    committer: Person.nullable(),
    message: z.string(),
    tree: Sha,
    verification: z.object({ verified: z.boolean() }).optional(),
  }),
  author: Account,
  committer: Account,
});
export type ListedCommit = z.infer<typeof ListedCommit>;

/** https://docs.github.com/en/rest/commits/commits#compare-two-commits */
export const Comparison = z.object({ total_commits: z.int(), commits: z.array(ListedCommit) });
export const MergeBase = z.object({ merge_base_commit: Sha });

const Entry = z.object({
  path: z.string(),
  mode: z.string(),
  type: z.string(),
  sha: z.string(),
  size: z.number().optional(),
});
export type TreeEntry = z.infer<typeof Entry>;
/** https://docs.github.com/en/rest/git/trees#get-a-tree */
export const Tree = z.object({ tree: z.array(Entry), truncated: z.boolean() });

/** https://docs.github.com/en/graphql/reference/objects#repository; a missing object is null. */
export const ObjectsResponse = z.object({
  data: z
    .object({ repository: z.record(z.string(), z.object({ oid: z.string() }).nullable()).nullable() })
    .nullish(),
  errors: z.array(z.object({ type: z.string().nullish() })).nullish(),
});

/** One update of a branch. https://docs.github.com/en/rest/repos/repos#list-repository-activities */
export const Activity = z.object({
  before: z.string(),
  after: z.string(),
  activity_type: z.string(),
  actor: Account,
  timestamp: z.string().default(""),
});
export type Activity = z.infer<typeof Activity>;

/** https://docs.github.com/en/rest/commits/commits#list-pull-requests-associated-with-a-commit */
export const PullRequest = z.object({
  number: z.int(),
  merged_at: z.string().nullable(),
  merge_commit_sha: z.string().nullable(),
  user: Account,
  head: z.object({
    ref: z.string(),
    sha: z.string(),
    repo: z.object({ full_name: z.string() }).nullable(),
  }),
});
export type PullRequest = z.infer<typeof PullRequest>;

export const DefaultBranch = z.object({ default_branch: z.string() });
