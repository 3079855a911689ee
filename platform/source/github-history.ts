import pMap from "p-map";
import * as z from "zod";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import {
  callLimitMs,
  type GitHubClient,
  GitHubRefused,
  gitHubConcurrency,
  gitHubMediaType,
  type ResolvedCommit,
  type TreeEntry,
} from "./github/github-client.ts";
import { createPathChangeReader, type ReadObjectIds } from "./github/path-change-reader.ts";
import { parseCoAuthors } from "./parse-co-authors.ts";
import {
  type CommitHistory,
  CommitNotFound,
  findFirstUpdates,
  findReachableCommits,
  type History,
  type HistoryCommit,
  type MergedPullRequest,
  type PathChange,
  type RefUpdate,
} from "./source.ts";
import { type TreeFile, verifyMerge } from "./verify-merge.ts";

const Person = z.object({ name: z.string().default(""), email: z.string().default("") });
const Account = z.object({ login: z.string().optional() }).nullable();
const ListedCommit = z.object({
  sha: z.string(),
  parents: z.array(z.object({ sha: z.string() })),
  commit: z.object({
    author: Person.nullable(),
    committer: Person.nullable(),
    message: z.string(),
    tree: z.object({ sha: z.string() }),
    verification: z.object({ verified: z.boolean() }).optional(),
  }),
  author: Account,
  committer: Account,
});
type ListedCommit = z.infer<typeof ListedCommit>;
const Comparison = z.object({ total_commits: z.int(), commits: z.array(ListedCommit) });
const MergeBase = z.object({ merge_base_commit: z.object({ sha: z.string() }) });
const CommitFiles = z.object({
  files: z.array(z.object({ filename: z.string(), previous_filename: z.string().optional() })).default([]),
});
/** https://docs.github.com/en/graphql/reference/objects#repository; a missing object is null. */
const ObjectsResponse = z.object({
  data: z
    .object({ repository: z.record(z.string(), z.object({ oid: z.string() }).nullable()).nullable() })
    .nullish(),
  errors: z.array(z.object({ type: z.string().nullish() })).nullish(),
});
const Activity = z.object({
  before: z.string(),
  after: z.string(),
  activity_type: z.string(),
  actor: Account,
  timestamp: z.string().default(""),
});
type Activity = z.infer<typeof Activity>;
/** `isWhole`: all of GitHub's record was read. */
type ActivityRecord = { readonly found: readonly Activity[]; readonly isWhole: boolean };
/** Cached responses for one head, because its history is read once for each model's served commit. */
type HeadCache = {
  readonly head: string;
  readonly records: Map<string, ActivityRecord>;
  /** By the commit to which the branch moved. */
  readonly pulls: Map<string, MergedPullRequest>;
  /** Pull requests that are being read, so that a record that leads back to one of them ends there. */
  readonly open: Set<string>;
};
const PullRequest = z.object({
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

/** The largest number of commits in a history. */
const historyLimit = 5_000;
/** The largest number of commits whose changes are read: each needs a call, and GitHub allows 5,000 per hour. */
const changesLimit = 500;
/** The largest number of objects in one query. */
const objectsLimit = 200;
/** A query with at most this many objects is not split after a timeout. */
const minObjects = 25;
const timeoutStatuses = [502, 504];
/** The largest number of calls to recompute merges, for one head. */
const mergeCallsLimit = 1_000;
/** The largest number of commits on one side of a recomputed merge. */
const mergeSideLimit = 300;
/** GitHub's largest page. */
const pageSize = 100;
/** GitHub lists at most this many commits of a pull request. https://docs.github.com/en/rest/pulls/pulls#list-commits-on-a-pull-request */
const pullCommitsLimit = 250;
const filesLimit = 300;
const activityPages = 20;
/** The largest number of pull requests that are looked up for one head; each needs several calls. */
const pullsLimit = 100;
/**
 * If the record of all branches is only read in part, it must reach back this long before a branch's creation. Then
 * commits that no other branch had in that time count as pushed with the creation.
 */
const lookBackMs = 30 * 86_400_000;

/** The committer of commits that GitHub's pages created; GitHub signs them with its own key. */
const gitHubEmail = "noreply@github.com";

const toNode = ({ sha, parents }: ListedCommit): Pick<HistoryCommit, "id" | "parents"> => ({
  id: sha,
  parents: parents.map((parent) => parent.sha),
});

const listPullCommits = ({ commits, merges }: MergedPullRequest): readonly HistoryCommit[] => [
  ...commits,
  ...merges.flatMap(listPullCommits),
];

/**
 * The history of a repository on GitHub: its commits, its record of branch updates, and its pull requests.
 * https://docs.github.com/en/rest/repos/repos#list-repository-activities
 */
export const createGitHubHistory = (client: GitHubClient): CommitHistory => {
  const { api, repository, sendRequest, getResponse, toRefusal, parseJson } = client;
  const { readJson, resolveCommit, readTree, readBlob, compareTrees } = client;

  /**
   * A merge's changes are relative to each parent: GitHub itself compares only with the first one.
   * https://docs.github.com/en/rest/commits/commits#get-a-commit
   */
  const changesOf = async ({ sha, parents, commit }: ListedCommit): Promise<readonly PathChange[]> => {
    if (parents.length <= 1) {
      const { files } = await readJson(`commits/${sha}?per_page=${filesLimit}`, CommitFiles);
      // Only if one page has all files; otherwise, the trees are compared.
      if (files.length < filesLimit)
        return files.flatMap(({ filename, previous_filename: from }) =>
          from === undefined ? [{ path: filename }] : [{ path: filename, from }, { path: from }],
        );
    }
    const olds = parents.length === 0 ? [undefined] : parents.map((parent) => parent.sha);
    const paths = new Set<string>();
    for (const old of olds) {
      const before = old === undefined ? undefined : (await resolveCommit(old)).commit.tree.sha;
      for (const path of (await compareTrees(before, commit.tree.sha)).keys()) paths.add(path);
    }
    return [...paths].map((path) => ({ path }));
  };

  const login = (account: z.infer<typeof Account>): string | null =>
    account?.login === undefined ? null : `github:${account.login}`;

  const toUpdate = ({ before, after, actor }: Activity): RefUpdate => ({
    before: /^0+$/.test(before) ? null : before,
    after,
    by: login(actor),
    merged: null,
  });

  const signatureOf = ({ commit, committer }: ListedCommit): HistoryCommit["signature"] => {
    if (!commit.verification?.verified) return { by: "nobody" };
    if (commit.committer?.email === gitHubEmail) return { by: "host" };
    const account = login(committer);
    return account === null ? { by: "nobody" } : { by: "account", login: account };
  };

  const toHistoryCommit = (one: ListedCommit, changes: HistoryCommit["changes"]): HistoryCommit => ({
    ...toNode(one),
    author: one.commit.author ?? { name: "", email: "" },
    committer: one.commit.committer ?? { name: "", email: "" },
    coAuthors: parseCoAuthors(one.commit.message),
    changes,
    signature: signatureOf(one),
    authorAccount: login(one.author),
  });

  const readChanges = (commits: readonly ListedCommit[]) =>
    pMap(commits, changesOf, { concurrency: gitHubConcurrency });

  const toHistory = async (commits: readonly ListedCommit[]): Promise<HistoryCommit[]> => {
    const changes = await readChanges(commits);
    return commits.map((one, index) => toHistoryCommit(one, changes[index] ?? []));
  };

  /**
   * Expressions are `<commit>:<path>`, as for `git rev-parse`; `<commit>:` is the root, which every commit has.
   * Undefined: the server does not support queries, or not that many. https://docs.github.com/en/graphql
   */
  const queryObjects = async (expressions: readonly string[]): Promise<(string | null)[] | undefined> => {
    const [owner, name] = repository.split("/");
    const objects = expressions.map(
      (expression, index) => `o${index}: object(expression: ${JSON.stringify(expression)}) { oid }`,
    );
    const query = `query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { ${objects.join(" ")} } }`;
    const response = await sendRequest(
      `${api.replace(/\/v3$/, "")}/graphql`,
      { method: "POST", body: JSON.stringify({ query, variables: { owner, name } }) },
      { what: "a query", accept: gitHubMediaType, limitMs: callLimitMs, handledStatuses: timeoutStatuses },
    );
    // GitHub's timeout for long queries: a smaller one may succeed.
    if (timeoutStatuses.includes(response.status) && expressions.length > minObjects) {
      const half = Math.ceil(expressions.length / 2);
      const first = await queryObjects(expressions.slice(0, half));
      const second = first && (await queryObjects(expressions.slice(half)));
      return second && [...first, ...second];
    }
    const parsed = ObjectsResponse.safeParse(await response.json().catch(() => undefined));
    if (!response.ok || !parsed.success) return undefined;
    const { data } = parsed.data;
    const errors = parsed.data.errors ?? [];
    if (errors.some(({ type }) => type === "RATE_LIMITED"))
      throw new TemporaryFault("GitHub answered a query with RATE_LIMITED");
    const found = data?.repository;
    if (errors.length > 0 || !found) return undefined;
    const byName = new Map(Object.entries(found));
    return expressions.map((_, index) => byName.get(`o${index}`)?.oid ?? null);
  };

  const objectsAt: ReadObjectIds = async (commits, paths) => {
    const objects = new Map<string, readonly (string | null)[]>();
    const size = Math.max(1, Math.floor(objectsLimit / (paths.length + 1)));
    const batches: (readonly string[])[] = [];
    for (let start = 0; start < commits.length; start += size)
      batches.push(commits.slice(start, start + size));
    for (let start = 0; start < batches.length; start += gitHubConcurrency) {
      const some = batches.slice(start, start + gitHubConcurrency);
      const found = await Promise.all(
        some.map((ids) => queryObjects(ids.flatMap((id) => ["", ...paths].map((path) => `${id}:${path}`)))),
      );
      for (const [index, ids] of some.entries())
        for (const [place, id] of ids.entries()) {
          const at = place * (paths.length + 1);
          // Without a root, the response does not prove that a path is missing.
          const [root, ...own] = found[index]?.slice(at, at + paths.length + 1) ?? [];
          if (typeof root !== "string") return undefined;
          objects.set(id, own);
        }
    }
    return objects;
  };

  /** GitHub lists the oldest first, so above the limit only the last pages are read. */
  const comparedTo = async (
    base: string,
    head: string,
    limit: number,
  ): Promise<{ readonly commits: readonly ListedCommit[]; readonly complete: boolean }> => {
    const page = (number: number) =>
      readJson(`compare/${base}...${head}?per_page=${pageSize}&page=${number}`, Comparison);
    const first = await page(1);
    const complete = first.total_commits <= limit;
    const start = complete ? 2 : Math.max(2, Math.floor((first.total_commits - limit) / pageSize) + 1);
    const commits = start === 2 ? [...first.commits] : [];
    for (let number = start; (number - 1) * pageSize < first.total_commits; number++)
      commits.push(...(await page(number)).commits);
    return { commits: commits.toReversed().slice(0, limit), complete };
  };

  /** https://docs.github.com/en/rest/commits/commits#compare-two-commits, #list-commits; newest first. */
  const commitsSince = async (
    head: string,
    base: string | undefined,
    limit: number,
  ): Promise<{ readonly commits: readonly ListedCommit[]; readonly complete: boolean }> => {
    if (base !== undefined) return comparedTo(base, head, limit);
    const commits: ListedCommit[] = [];
    for (let page = 1; commits.length <= limit; page++) {
      const query = `per_page=${pageSize}&page=${page}`;
      const found = await readJson(`commits?sha=${head}&${query}`, z.array(ListedCommit));
      commits.push(...found);
      if (found.length < pageSize) return { commits, complete: commits.length <= limit };
    }
    return { commits: commits.slice(0, limit), complete: false };
  };

  /**
   * The updates of a branch (undefined: of all branches), newest first; empty if GitHub does not provide them (a server
   * before 3.11, someone else's repository). https://docs.github.com/en/rest/repos/repos#list-repository-activities
   */
  const activitiesOf = async (
    of: string,
    branch: string | undefined,
    isEnough: (found: readonly Activity[]) => boolean,
  ): Promise<ActivityRecord> => {
    const found: Activity[] = [];
    const ref = branch === undefined ? "" : `ref=${encodeURIComponent(`refs/heads/${branch}`)}&`;
    let cursor = "";
    for (let page = 0; page < activityPages; page++) {
      const path = `activity?${ref}per_page=${pageSize}&direction=desc${cursor}`;
      const response = await getResponse(path, gitHubMediaType, callLimitMs, of);
      if ([403, 404, 422].includes(response.status)) return { found, isWhole: false };
      if (!response.ok) throw await toRefusal(path, response);
      found.push(...(await parseJson(path, response, z.array(Activity))));
      const next = /<([^>]*)>;\s*rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
      const after = next === undefined ? null : new URL(next).searchParams.get("after");
      if (after === null) return { found, isWhole: true };
      if (isEnough(found)) break;
      cursor = `&after=${encodeURIComponent(after)}`;
    }
    return { found, isWhole: false };
  };

  let memory: HeadCache | undefined;
  const trees = new Map<string, Promise<readonly TreeEntry[]>>();
  const made = new Map<string, boolean>();
  let mergeCalls = 0;
  const remember = (head: string): HeadCache => {
    if (memory?.head !== head) {
      memory = { head, records: new Map(), pulls: new Map(), open: new Set() };
      trees.clear();
      made.clear();
      mergeCalls = 0;
    }
    return memory;
  };
  const recordOnce = async (
    key: string,
    { records }: HeadCache,
    read: () => Promise<ActivityRecord>,
  ): Promise<ActivityRecord> => {
    const record = records.get(key) ?? (await read());
    records.set(key, record);
    return record;
  };
  /** The record of all branches, cached for a head: the first push of its commits is older than the head. */
  const everyBranch = (of: string, known: HeadCache): Promise<ActivityRecord> =>
    recordOnce(of, known, () => activitiesOf(of, undefined, () => false));

  /** GitHub merged a pull request: the person who pressed the button did not author its content. */
  const isMerge = ({ activity_type: type }: Activity): boolean =>
    type === "pr_merge" || type === "merge_queue_merge";

  /**
   * Everyone who pushed to a pull request's branch from its creation to its merge, and everyone who first pushed its
   * commits to any branch: the record of a branch that was created from another one, or restored, does not name the
   * pushers of its initial commits. Commits that were merged on GitHub's pages come from that pull request.
   */
  const pushersOf = async (
    { head }: z.infer<typeof PullRequest>,
    commits: readonly ListedCommit[],
    known: HeadCache,
  ): Promise<Pick<MergedPullRequest, "by" | "merges">> => {
    if (head.repo === null) return { by: [null], merges: [] };
    const isCreation = ({ activity_type }: Activity) => activity_type === "branch_creation";
    const { found: all } = await activitiesOf(head.repo.full_name, head.ref, (some) => some.some(isCreation));
    const since = all.slice(all.findIndex(({ after }) => after === head.sha));
    const creation = since.find(isCreation);
    if (all.every(({ after }) => after !== head.sha) || creation === undefined)
      return { by: [null], merges: [] };
    const moves = since.slice(0, since.indexOf(creation) + 1);
    const recorded = moves.filter((one) => !isMerge(one)).map(({ actor }) => login(actor));
    const nodes = commits.map(toNode);
    const byId = new Map(nodes.map((node) => [node.id, node]));
    const unsigned = commits.filter((one) => signatureOf(one).by !== "account").map(({ sha }) => sha);
    if (unsigned.length === 0) return { by: recorded, merges: [] };

    const merges = new Map<string, MergedPullRequest>();
    const addMerge = async (of: string, move: Activity) => {
      merges.set(`${of}:${move.after}`, await mergedPull(of, move, known));
    };
    for (const move of moves)
      if (isMerge(move) && byId.has(move.after)) await addMerge(head.repo.full_name, move);
    const first = new Set<string | null>();
    for (const of of new Set([head.repo.full_name, repository])) {
      const { found, isWhole } = await everyBranch(of, known);
      const updates = findFirstUpdates(nodes, found.toReversed());
      for (const id of unsigned) {
        const update = updates.get(id);
        if (update && isMerge(update)) await addMerge(of, update);
        else if (update !== undefined) first.add(update === null ? null : login(update.actor));
      }
      if (of !== head.repo.full_name || isWhole) continue;
      const oldest = Date.parse(found.at(-1)?.timestamp ?? "");
      const reachesBack = oldest <= Date.parse(creation.timestamp) - lookBackMs;
      const came = findReachableCommits(creation.after, byId);
      // Another branch may have had them before the part of the record that was read.
      const isOpen = (id: string) =>
        came.has(id) && (updates.get(id)?.after ?? creation.after) === creation.after;
      if (!reachesBack && unsigned.some(isOpen)) first.add(null);
    }
    return {
      by: [...recorded, ...[...first].filter((by) => !recorded.includes(by))],
      merges: [...merges.values()],
    };
  };

  /** A merge of an unknown pull request: only the person who pressed the button is known. */
  const unknownPull = ({ after, actor }: Activity): MergedPullRequest => ({
    name: `what was merged as ${after.slice(0, 12)}`,
    commits: [],
    by: [login(actor), null],
    merges: [],
    isWhole: false,
  });

  /** The pull request whose merge on GitHub's pages moved a branch. */
  const mergedPull = async (of: string, move: Activity, known: HeadCache): Promise<MergedPullRequest> => {
    const found = known.pulls.get(move.after);
    if (found) return found;
    // The token may be unable to read a fork's own pull requests.
    if (of !== repository || known.open.has(move.after) || known.pulls.size >= pullsLimit)
      return unknownPull(move);
    known.open.add(move.after);
    try {
      const pull = (await readPull(move.after, known)) ?? unknownPull(move);
      known.pulls.set(move.after, pull);
      return pull;
    } finally {
      known.open.delete(move.after);
    }
  };

  /** Undefined: GitHub does not name the pull request, or names several (a merge queue). */
  const readPull = async (after: string, known: HeadCache): Promise<MergedPullRequest | undefined> => {
    // https://docs.github.com/en/rest/commits/commits#list-pull-requests-associated-with-a-commit
    const pulls = await readJson(`commits/${after}/pulls?per_page=${pageSize}`, z.array(PullRequest));
    const [pull, ...others] = pulls.filter(
      ({ merged_at, merge_commit_sha }) => merged_at !== null && merge_commit_sha === after,
    );
    if (pull === undefined || others.length > 0) return undefined;
    const commits: ListedCommit[] = [];
    for (let page = 1; commits.length < pullCommitsLimit; page++) {
      const path = `pulls/${pull.number}/commits?per_page=${pageSize}&page=${page}`;
      const found = await readJson(path, z.array(ListedCommit));
      commits.push(...found);
      if (found.length < pageSize) break;
    }
    const { by, merges } = await pushersOf(pull, commits, known);
    const isWhole = commits.length < pullCommitsLimit;
    return {
      name: `pull request #${pull.number}`,
      commits: await toHistory(commits),
      by: [login(pull.user), ...by, ...(isWhole ? [] : [null])],
      merges,
      isWhole,
    };
  };

  /** Updates of all branches, oldest first; reads a pull request only if its merge was the first to add one of these commits. */
  const everyUpdate = async (
    commits: readonly ListedCommit[],
    isTouching: (id: string) => boolean,
    known: HeadCache,
  ): Promise<RefUpdate[]> => {
    const moves = (await everyBranch(repository, known)).found.toReversed();
    const first = new Set(
      [...findFirstUpdates(commits.map(toNode), moves)].flatMap(([id, move]) =>
        isTouching(id) ? [move] : [],
      ),
    );
    const updates: RefUpdate[] = [];
    for (const move of moves) {
      const pull = async () => (first.has(move) ? mergedPull(repository, move, known) : unknownPull(move));
      updates.push({ ...toUpdate(move), merged: isMerge(move) ? await pull() : null });
    }
    return updates;
  };

  /**
   * The record of who pushed or merged these commits. `isTouching` selects the commits whose pull requests are read,
   * because each pull request needs several calls and at most a hundred are read.
   */
  const recordOf = async (
    commits: readonly ListedCommit[],
    isTouching: ((id: string) => boolean) | "all",
    base: string | undefined,
    known: HeadCache,
  ): Promise<Pick<History, "updates" | "branches">> => {
    if (commits.length === 0) return { updates: [], branches: "unknown" };
    const byId = new Map(commits.map(toNode).map((one) => [one.id, one]));
    const isMatter = ({ before, after }: Activity): boolean => {
      if (isTouching === "all") return true;
      return [...findReachableCommits(after, byId, findReachableCommits(before, byId))].some(isTouching);
    };
    const { default_branch: branch } = await readJson("", z.object({ default_branch: z.string() }));
    const isBase = ({ after }: Activity) => after === base;
    const { found } = await recordOnce(`${branch} since ${base}`, known, () =>
      activitiesOf(repository, branch, (some) => some.some(isBase)),
    );
    const updates: RefUpdate[] = [];
    // A merged pull request already names its pushers; reading the record of all branches takes up to 20 calls.
    let isPushed = false;
    for (const activity of found) {
      if (!byId.has(activity.after)) {
        // The update that moved the branch away from the served commit.
        if (activity.before === base) updates.push(toUpdate(activity));
        continue;
      }
      const matters = isMatter(activity);
      const pull = async () => (matters ? mergedPull(repository, activity, known) : unknownPull(activity));
      const merged = isMerge(activity) ? await pull() : null;
      updates.push({ ...toUpdate(activity), merged });
      if (matters && !merged?.isWhole) isPushed = true;
    }
    if (!isPushed) return { updates, branches: "unknown" };
    const isOne = isTouching === "all" ? () => true : isTouching;
    return { updates, branches: await everyUpdate(commits, isOne, known) };
  };

  /** Reads changes only of commits that touch these paths; undefined if these are too many or unknown. */
  const historyAbout = async (
    commits: readonly ListedCommit[],
    about: readonly string[],
    base: string | undefined,
    known: HeadCache,
  ): Promise<Omit<History, "complete"> | undefined> => {
    const elsewhere = (changes: ReadonlyMap<string, readonly PathChange[]>) =>
      commits.map((one) => toHistoryCommit(one, changes.get(one.sha) ?? "elsewhere"));
    if (about.length === 0) return { commits: elsewhere(new Map()), updates: [], branches: "unknown" };
    const read = createPathChangeReader({
      commits,
      node: toNode,
      objectsAt,
      changesOf: readChanges,
      limit: changesLimit,
    });
    for (let changes = await read(about); changes !== undefined; ) {
      const before = changes.size;
      const touching = changes;
      const record = await recordOf(commits, (id) => touching.has(id), base, known);
      const moves = [...record.updates, ...(typeof record.branches === "string" ? [] : record.branches)];
      // A squash commit does not show the moves of its pull request's commits.
      changes = await read(
        [],
        moves.flatMap(({ merged }) => (merged ? listPullCommits(merged) : [])),
      );
      if (changes?.size === before) return { commits: elsewhere(changes), ...record };
    }
    return undefined;
  };

  const counted = <Result>(call: () => Promise<Result>): Promise<Result> => {
    if (++mergeCalls > mergeCallsLimit)
      throw new GitHubRefused(`over ${mergeCallsLimit} calls to make merges again`);
    return call();
  };
  const treeOf = (sha: string): Promise<readonly TreeEntry[]> => {
    const known = trees.get(sha);
    if (known) return known;
    const read = counted(() => readTree(sha));
    trees.set(sha, read);
    read.catch(() => trees.delete(sha));
    return read;
  };

  /** The commits on one side of a merge since `base`; undefined if they are too many. */
  const side = async (base: string, head: string): Promise<ReadonlySet<string> | undefined> => {
    if (base === head) return new Set();
    mergeCalls += Math.ceil(mergeSideLimit / pageSize);
    const { commits, complete } = await comparedTo(base, head, mergeSideLimit);
    return complete ? new Set(commits.map(({ sha }) => sha)) : undefined;
  };

  /**
   * Recomputes the merge from the trees, because GitHub can only merge into a branch.
   * https://docs.github.com/en/rest/commits/commits#compare-two-commits
   */
  const isMadeAgain = async ({ parents, commit }: ResolvedCommit): Promise<boolean> => {
    const [ours, theirs, ...others] = parents.map(({ sha }) => sha);
    if (ours === undefined || theirs === undefined || others.length > 0) return false;
    const path = `compare/${ours}...${theirs}?per_page=1`;
    const response = await counted(() => getResponse(path, gitHubMediaType, callLimitMs));
    // Histories without a common commit, or too large for GitHub's comparison.
    if (response.status === 404 || response.status === 422) return false;
    if (!response.ok) throw await toRefusal(path, response);
    const { merge_base_commit: base } = await parseJson(path, response, MergeBase);
    // GitHub returns one of several merge bases. If it is the only best one, the sides share no commit since it.
    const [mine, other] = [await side(base.sha, ours), await side(base.sha, theirs)];
    if (!mine || !other || [...mine].some((id) => other.has(id))) return false;
    const [before, ...sides] = await Promise.all(
      [base.sha, ours, theirs].map(async (id) => (await counted(() => resolveCommit(id))).commit.tree.sha),
    );
    const [atOurs, atTheirs, atMerge] = await Promise.all(
      [...sides, commit.tree.sha].map((one) => compareTrees(before, one, treeOf)),
    );
    if (!atOurs || !atTheirs || !atMerge) return false;
    const read = ({ blob: sha }: TreeFile) => counted(() => readBlob({ sha, path: sha }));
    return verifyMerge({ ours: atOurs, theirs: atTheirs, merged: atMerge, read });
  };

  return {
    async history(head, without, about) {
      const limit = about === undefined ? changesLimit : historyLimit;
      const to = (await resolveCommit(head)).sha;
      const bases = await Promise.all(without.map(async (one) => (await resolveCommit(one)).sha));
      const found = [await commitsSince(to, bases[0], limit)];
      for (const base of bases.slice(1)) found.push(await commitsSince(to, base, limit));
      const [first, ...others] = found;
      const listed = (first?.commits ?? []).filter(({ sha }) =>
        others.every(({ commits, complete }) => !complete || commits.some((other) => other.sha === sha)),
      );
      const complete = found.every((one) => one.complete);
      const known = remember(to);
      const isSome = about !== undefined && (about.length === 0 || listed.length > changesLimit);
      const some = isSome ? await historyAbout(listed, about, bases[0], known) : undefined;
      if (some) return { ...some, complete };
      const newest = listed.slice(0, changesLimit);
      const record = await recordOf(newest, "all", bases[0], known);
      const isWhole = newest.length === listed.length;
      return { commits: await toHistory(newest), ...record, complete: complete && isWhole };
    },

    async isCleanMerge(commit) {
      const found = await resolveCommit(commit);
      const known = made.get(found.sha);
      if (known !== undefined) return known;
      const isClean = await isMadeAgain(found).catch((error: unknown) => {
        const cannotTell = [GitHubRefused, CommitNotFound, z.ZodError];
        if (cannotTell.some((kind) => error instanceof kind)) return false;
        throw error;
      });
      made.set(found.sha, isClean);
      return isClean;
    },
  };
};
