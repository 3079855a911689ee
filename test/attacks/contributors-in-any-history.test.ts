import fc from "fast-check";
import { expect, test } from "vitest";
import type { GitHubRecord } from "#test/peers/github/github-server.ts";
import {
  allSlackIds,
  createWorld,
  folder,
  type Person,
  policy,
  promoteFirstVersion,
  repository,
  toEmail,
  useRepository,
  type World,
  withNewRepository,
  yaml,
} from "./approval-world.ts";
import {
  createActivity,
  logins,
  mergeOnHost,
  nullCommit,
  pullRequest,
  useGitHubServer,
} from "./github-approval-world.ts";

useRepository();

/** Requests the approval; undefined where the quorum is out of reach, so that nobody's click counts. */
const askUnlessOutOfReach = (world: World, change: Parameters<World["ask"]>[0]) =>
  world.ask(change).catch((error: unknown) => {
    if (error instanceof Error && error.name === "QuorumOutOfReach") return undefined;
    throw error;
  });

/** A person's action on the repository. `claims`: the name in the commit, where the maker also pushes it. */
const action = fc.record({
  kind: fc.constantFrom(
    "commit",
    "merge",
    "squash",
    "rebase",
    "revert",
    "cherry-pick",
    "rename",
    "evil merge",
  ),
  maker: fc.constantFrom<Person>("ada", "bob", "sam"),
  pusher: fc.constantFrom<Person>("ada", "bob", "sam"),
  claims: fc.constantFrom<Person>("ada", "bob", "sam"),
});

test("over histories of merges, squashes, rebases, reverts, cherry-picks, renames and forged authors, a contributor's click never counts", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 7 }), async (actions) => {
      await withNewRepository(async () => {
        const world = createWorld(repository);
        try {
          let pushed = await promoteFirstVersion(world);
          /** The real authors of main's content, as the test records them. */
          const makers = new Set<Person>();
          let model = "churn";
          let last: Awaited<ReturnType<World["push"]>> | undefined;
          for (const [index, { kind, maker, pusher, claims: forged }] of actions.entries()) {
            // A local repository does not record other pushers: nothing shows who forged a commit that another pushes.
            const claims = maker === pusher ? forged : maker;
            const file = `models/${model}/file-${index}.txt`;
            const text = Array.from({ length: 20 }, (_, line) => `${index} ${line} ${maker}`).join("\n");
            const name = repository.as(claims);
            const branchOff = async () => {
              repository.git(["checkout", "-q", "-b", `branch-${index}`]);
              const id = await repository.commit({ [file]: text }, claims);
              repository.git(["checkout", "-q", "main"]);
              return id;
            };
            switch (kind) {
              case "commit":
                await repository.commit({ [file]: text }, claims);
                break;
              case "merge":
                await branchOff();
                await repository.commit({ [`notes/${index}`]: text }, claims);
                repository.git(["merge", "-q", "--no-ff", `branch-${index}`, "-m", "Merge"], name);
                break;
              case "evil merge":
                await branchOff();
                repository.git(["merge", "-q", "--no-ff", "--no-commit", `branch-${index}`], name);
                await repository.write(`models/${model}/evil-${index}.txt`, text);
                repository.git(["add", "--all"]);
                repository.git(["commit", "-q", "-m", "Merge"], name);
                break;
              case "squash":
                await branchOff();
                repository.git(["merge", "-q", "--squash", `branch-${index}`], name);
                repository.git(["commit", "-q", "-m", "Squash"], name);
                break;
              case "rebase":
                await branchOff();
                repository.git(["rebase", "-q", "--no-ff", "main", `branch-${index}`], name);
                repository.git(["checkout", "-q", "main"]);
                repository.git(["merge", "-q", "--ff-only", `branch-${index}`], name);
                break;
              case "cherry-pick":
                repository.git(["cherry-pick", await branchOff()], name);
                break;
              case "revert":
                await repository.commit({ [file]: text }, claims);
                repository.git(["revert", "--no-edit", "HEAD"], name);
                break;
              case "rename":
                repository.git(["mv", `models/${model}`, `models/renamed-${index}`]);
                model = `renamed-${index}`;
                await repository.commit({ [`models/${model}/model.yaml`]: yaml(model, allSlackIds) }, claims);
                break;
              default:
                kind satisfies never;
            }
            makers.add(maker);
            makers.add(pusher);
            const after = repository.head();
            last = await world.push(pushed, after, toEmail(pusher), model);
            pushed = after;
          }
          if (!last) throw new Error("the last action pushes");
          const id = await askUnlessOutOfReach(world, last);
          if (id === undefined) return;
          for (const maker of makers) expect((await world.vote(id, maker)).result).toBe("refused");
        } finally {
          world.close();
        }
      });
    }),
    { numRuns: 6 },
  );
}, 600_000);

const method = fc.constantFrom<"merge" | "squash" | "rebase">("merge", "squash", "rebase");
const anotherPerson = fc.constantFrom<Person>("bob", "sam");

/**
 * How a commit comes to main on GitHub. Ada does not merge and is not named in a commit: only her pushes and pull
 * requests show that she made it.
 */
const hostAction = fc.record({
  way: fc.constantFrom("push", "merge by git", "pull request", "develop", "develop", "fork"),
  /** The real author, who also pushes it first and opens its pull request. */
  maker: fc.constantFrom<Person>("ada", "ada", "bob", "sam"),
  claims: anotherPerson,
  /** The person who merges it. For develop: who also opens and merges develop's pull request. */
  keeper: anotherPerson,
  method,
  /** The method to merge develop into main. */
  second: method,
});

type HostAction = typeof hostAction extends fc.Arbitrary<infer Action> ? Action : never;

/** Plays these actions in the repository; returns GitHub's record of them and the real authors. */
const playOnGitHub = async (actions: readonly HostAction[]) => {
  const activities: object[] = [];
  const fork: object[] = [];
  const pulls: Record<string, ReturnType<typeof pullRequest>> = {};
  const verified = new Set<string>();
  let numbers = 0;
  const revision = (name: string) => repository.git(["rev-parse", name]);
  /** Newest first. */
  const addActivity = (list: object[], ...args: Parameters<typeof createActivity>) =>
    list.unshift(createActivity(...args));
  const committer = (by: string) =>
    Object.fromEntries(Object.entries(repository.as(by)).filter(([key]) => key.startsWith("GIT_COMMITTER")));
  const merge = (
    source: string,
    target: string,
    how: "merge" | "squash" | "rebase",
    opener: Person,
    by: Person,
    from = "example/models",
  ) => {
    const start = revision(target);
    const head = revision(source);
    const commits = repository.git(["rev-list", "--reverse", source, `^${target}`]).split("\n");
    repository.git(["checkout", "-q", target]);
    if (how === "merge") mergeOnHost(source, by);
    if (how === "squash") {
      repository.git(["merge", "-q", "--squash", source], repository.as(by));
      repository.git(["commit", "-q", "-m", "Squash"], repository.as(opener, "noreply@github.com"));
    }
    if (how === "rebase") {
      const copied = repository.git(["rev-list", "--reverse", "--no-merges", source, `^${target}`]);
      for (const id of copied.split("\n")) repository.git(["cherry-pick", id], committer(by));
    }
    const end = repository.head();
    if (how !== "rebase") verified.add(end);
    const pull = pullRequest(++numbers, opener, { ref: source, sha: head }, end, commits);
    pulls[end] = { ...pull, head: { ...pull.head, repo: { full_name: from } } };
    addActivity(activities, target, "pr_merge", by, start, end);
  };

  const makers = new Set<Person>();
  const pushed: { before: string; after: string; by: Person }[] = [];
  for (const [index, { way, maker, claims, keeper, method: how, second }] of actions.entries()) {
    const before = revision("main");
    const branch = `branch-${index}`;
    const develop = `develop-${index}`;
    const change = () => repository.commit({ [`models/churn/file-${index}.txt`]: maker }, claims);
    makers.add(maker);
    if (way === "push") addActivity(activities, "main", "push", maker, before, await change());
    else {
      const log = way === "fork" ? fork : activities;
      repository.git(["checkout", "-q", "-b", branch]);
      addActivity(log, branch, "branch_creation", maker, nullCommit, before);
      addActivity(log, branch, "push", maker, before, await change());
      repository.git(["checkout", "-q", "main"]);
    }
    if (way === "merge by git") {
      repository.git(["merge", "-q", "--no-ff", branch, "-m", "Merge"], repository.as(keeper));
      addActivity(activities, "main", "push", keeper, before, repository.head());
    }
    if (way === "pull request") merge(branch, "main", how, maker, keeper);
    if (way === "fork") merge(branch, "main", how, maker, keeper, "fork/models");
    if (way === "develop") {
      repository.git(["branch", develop]);
      addActivity(activities, develop, "branch_creation", keeper, nullCommit, before);
      merge(branch, develop, how, maker, keeper);
      merge(develop, "main", second, keeper, keeper);
    }
    pushed.push({ before, after: revision("main"), by: way === "push" ? maker : keeper });
  }
  const record: GitHubRecord = { activities, forks: { "fork/models": fork }, pulls, verified };
  return { record, makers, pushed: pushed.at(-1) };
};

test("on GitHub, however a commit comes to main and whoever brings it there, its maker's click does not count, or more than one is needed", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(hostAction, { minLength: 1, maxLength: 2 }), async (actions) => {
      await withNewRepository(async () => {
        const firstCommit = await repository.commit({ "policy.yaml": policy, ...folder("churn") }, "eve");
        const { record, makers, pushed } = await playOnGitHub(actions);
        await useGitHubServer(record, async (vouch) => {
          const world = createWorld(repository, { identities: logins, vouch });
          try {
            await world.promote(firstCommit);
            if (!pushed) throw new Error("the last action pushes");
            const { before, after, by } = pushed;
            const change = await world.push(before, after, `github:${by} <${toEmail(by)}>`);
            const id = await askUnlessOutOfReach(world, change);
            if (id === undefined) return;
            // Missing data about one commit must not hide the author of another.
            const isRaised = ((await world.quorum(id)) ?? 1) > 1;
            for (const maker of isRaised ? [...makers].slice(0, 1) : makers) {
              const { result } = await world.vote(id, maker);
              if (isRaised) expect(result).not.toBe("decided");
              else expect(result).toBe("refused");
            }
          } finally {
            world.close();
          }
        });
      });
    }),
    {
      numRuns: 7,
      // Random runs rarely use another branch.
      examples: (["squash", "rebase"] as const).map((method): [HostAction[]] => [
        [{ way: "develop", maker: "ada", claims: "sam", keeper: "bob", method, second: "merge" }],
      ]),
    },
  );
}, 600_000);

/** Actions on a branch on a host that sends an event for each push. */
const branchAction = fc.record({
  kind: fc.constantFrom("commit", "merge", "fast-forward", "merge of a branch made from it"),
  /** The real author, who also pushes it first. */
  maker: fc.constantFrom<Person>("ada", "bob", "sam"),
  claims: fc.constantFrom<Person>("ada", "bob", "sam"),
  /** The person who makes another branch from it. */
  taker: fc.constantFrom<Person>("ada", "bob", "sam"),
  merger: fc.constantFrom<Person>("ada", "bob", "sam"),
  /** Whether Slipway gets an event for the maker's push; it always gets one for a push to main. */
  isSent: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
});

test("whoever pushes, takes over or merges a branch, clicks of its commits' makers do not count, or more than one is needed", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(branchAction, { minLength: 1, maxLength: 4 }), async (actions) => {
      await withNewRepository(async () => {
        const world = createWorld(repository, {
          vouch: (source) => ({
            ...source,
            history: async (...args) => ({
              ...(await source.history(...args)),
              branches: "told",
            }),
          }),
        });
        try {
          let pushed = await promoteFirstVersion(world);
          const makers = new Set<Person>();
          let last: Awaited<ReturnType<World["push"]>> | undefined;
          for (const [index, { kind, maker, claims, taker, merger, isSent }] of actions.entries()) {
            const isDirect = kind === "commit";
            const branch = isDirect ? "main" : `branch-${index}`;
            if (!isDirect) repository.git(["checkout", "-q", "-b", branch]);
            const head = await repository.commit({ [`models/churn/file-${index}.txt`]: maker }, claims);
            makers.add(maker);
            // After a push without an event the next push to the same commit looks like the first.
            if (!isDirect && (isSent || kind !== "merge"))
              await world.pushBranch(branch, null, head, toEmail(maker));
            world.world.time.now += 1_000;
            if (kind === "merge of a branch made from it")
              await world.pushBranch(`${branch}-again`, null, head, toEmail(taker));
            world.world.time.now += 1_000;
            if (!isDirect) {
              repository.git(["checkout", "-q", "main"]);
              const how = kind === "fast-forward" ? ["--ff-only"] : ["--no-ff", "-m", "Merge"];
              repository.git(["merge", "-q", ...how, branch], repository.as(merger));
            }
            const after = repository.head();
            last = await world.push(pushed, after, toEmail(isDirect ? maker : merger));
            world.world.time.now += 1_000;
            pushed = after;
          }
          if (!last) throw new Error("the last action pushes");
          const id = await askUnlessOutOfReach(world, last);
          if (id === undefined) return;
          const isRaised = ((await world.quorum(id)) ?? 1) > 1;
          const [firstMaker, ...otherMakers] = makers;
          if (firstMaker === undefined) return;
          const result = (await world.vote(id, firstMaker)).result;
          if (isRaised) expect(result).not.toBe("decided");
          else expect(result).toBe("refused");
          for (const maker of isRaised ? [] : otherMakers)
            expect((await world.vote(id, maker)).result).toBe("refused");
        } finally {
          world.close();
        }
      });
    }),
    { numRuns: 10 },
  );
}, 600_000);
