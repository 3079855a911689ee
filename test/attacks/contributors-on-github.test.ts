/** Contributors by what GitHub records: merges, pushes, pull requests, signatures. */
import { describe, expect, test } from "vitest";
import type { HistoryCommit } from "#platform/source/source.ts";
import type { GitHubRecord } from "#test/peers/github/github-server.ts";
import { type ImportedCommit, importCommits } from "#test/support/import-commits.ts";
import {
  createModelChange,
  folder,
  open,
  type Person,
  policy,
  promoteFirstVersion,
  repository,
  slackIds,
  toEmail,
  useRepository,
  type World,
} from "./approval-world.ts";
import {
  createActivity,
  logins,
  mergeOnHost,
  nullCommit,
  playGitHubHistory,
  pullRequest,
  useGitHubServer,
} from "./github-approval-world.ts";

useRepository();

describe("the usual ways to work on GitHub need no extra approval", () => {
  /** Ada's branch of two commits, for a pull request. */
  const branch = async () => {
    const base = repository.head();
    repository.git(["checkout", "-q", "-b", "feature"]);
    await repository.commit(createModelChange("ada's"), "ada");
    const head = await repository.commit(createModelChange("ada's second"), "ada");
    repository.git(["checkout", "-q", "main"]);
    return { base, head };
  };
  const methods = {
    "a merge commit": () =>
      repository.git(
        ["merge", "-q", "--no-ff", "feature", "-m", "Merge pull request #1"],
        repository.as("bob", "noreply@github.com"),
      ),
    "a squash": () => {
      repository.git(["merge", "-q", "--squash", "feature"]);
      repository.git(["commit", "-q", "-m", "Change (#1)"], repository.as("ada", "noreply@github.com"));
    },
    "a rebase": () => repository.git(["rebase", "-q", "--no-ff", "main", "feature"], repository.as("bob")),
  } as const;

  const merge = async (method: keyof typeof methods, by: readonly (string | null)[]) => {
    const planned = open();
    const before = await promoteFirstVersion(planned);
    const { base, head } = await branch();
    methods[method]();
    const after = repository.head();
    if (method === "a rebase") repository.git(["branch", "-q", "-f", "main", after]);
    const world = open({
      identities: logins,
      vouch: playGitHubHistory({
        updates: [{ before, after, by: "github:bob", pull: "#1" }],
        signed: method === "a rebase" ? {} : { [after]: { by: "host" } },
        pulls: { "#1": { base, head, by } },
      }),
    });
    await world.promote(before);
    return { world, id: await world.ask(await world.push(before, after, "github:bob <bob@example.com>")) };
  };

  test.each(["a merge commit", "a squash", "a rebase"] as const)(
    "a team of two: Bob merges Ada's pull request by %s on GitHub's pages, and may approve it",
    async (method) => {
      const { world, id } = await merge(method, ["github:ada", "github:ada"]);
      expect((await world.contributors(id))?.people).toEqual(["ada@example.com"]);
      await world.expectRefused(id, "ada");
      expect((await world.vote(id, "bob")).result).toBe("decided");
    },
  );

  test.each(["a merge commit", "a squash", "a rebase"] as const)(
    "Bob may not approve a branch that he pushed to in Ada's name, merged by %s",
    async (method) => {
      const { world, id } = await merge(method, ["github:ada", "github:bob"]);
      await world.expectRefused(id, "ada", "bob");
    },
  );

  test("a branch whose pushers GitHub does not name needs one more approval", async () => {
    const { world, id } = await merge("a squash", ["github:ada", null]);
    expect(await world.quorum(id)).toBe(2);
  });

  test("a merge that only claims to be GitHub's, without its signature, has a contributor", async () => {
    const before = await promoteFirstVersion(open());
    const after = await repository.commit(createModelChange("bob's"), "ada", {
      committer: "noreply@github.com",
    });
    const world = open({
      identities: logins,
      vouch: playGitHubHistory({ updates: [{ before, after, by: "github:bob" }] }),
    });
    await world.promote(before);
    const id = await world.ask(await world.push(before, after, "github:bob <bob@example.com>"));
    await world.expectRefused(id, "ada", "bob");
    expect((await world.contributors(id))?.unmapped).toMatchObject([{ identity: "noreply@github.com" }]);
  });

  test("Bob who pushes Ada's signed commits is a contributor only where a signature is missing", async () => {
    const before = await promoteFirstVersion(open());
    const first = await repository.commit(createModelChange("1"), "ada");
    const second = await repository.commit(createModelChange("2"), "ada");
    const signature = { by: "account", login: "github:ada" } as const;
    const push = "github:bob <bob@example.com>";
    const updates = [{ before, after: second, by: "github:bob" }];
    const all = open({
      identities: logins,
      vouch: playGitHubHistory({ updates, signed: { [first]: signature, [second]: signature } }),
    });
    await all.promote(before);
    const id = await all.ask(await all.push(before, second, push));
    await all.expectRefused(id, "ada");
    expect((await all.vote(id, "bob")).result).toBe("decided");

    const some = open({
      identities: logins,
      vouch: playGitHubHistory({ updates, signed: { [first]: signature } }),
    });
    await some.promote(before);
    await some.expectRefused(await some.ask(await some.push(before, second, push)), "ada", "bob");
  });

  test.each([
    ["leaves as it comes", undefined, "bob"],
    ["resolves a conflict in", "by hand", "eve"],
  ] as const)("Bob who merges with git what Ada signed, and %s it", async (_, byHand, approver) => {
    const before = await promoteFirstVersion(open());
    repository.git(["checkout", "-q", "-b", "feature"]);
    const ada = await repository.commit(createModelChange("ada's"), "ada");
    repository.git(["checkout", "-q", "main"]);
    const main = await repository.commit({ "README.md": "main went on" }, "sam");
    repository.git(["merge", "-q", "--no-ff", "--no-commit", "feature"], repository.as("bob"));
    const after = await repository.commit(byHand === undefined ? {} : createModelChange(byHand), "bob");
    const world = open({
      identities: logins,
      vouch: playGitHubHistory({
        updates: [
          { before, after: main, by: "github:sam" },
          { before: main, after, by: "github:bob" },
        ],
        signed: { [ada]: { by: "account", login: "github:ada" } },
      }),
    });
    await world.promote(before);
    const id = await world.ask(await world.push(before, after, "github:bob <bob@example.com>"));
    await world.expectRefused(id, "ada", ...(byHand === undefined ? [] : (["bob"] as const)));
    expect((await world.vote(id, approver)).result).toBe("decided");
  });

  test("Ada who pushes, with force, a merge of older commits takes away what Bob signed since: she may not approve it", async () => {
    const first = await promoteFirstVersion(open());
    await repository.commit(createModelChange("older"), "sam");
    const older = repository.head();
    const fixed = await repository.commit(createModelChange("bob's"), "bob");
    const after = repository.git(
      ["commit-tree", `${older}^{tree}`, "-p", older, "-p", first, "-m", "Merge"],
      repository.as("ada"),
    );
    repository.git(["reset", "-q", "--hard", after]);
    const world = open({
      identities: logins,
      vouch: playGitHubHistory({
        updates: [{ before: fixed, after, by: "github:ada" }],
        signed: { [fixed]: { by: "account", login: "github:bob" } },
      }),
    });
    await world.promote(fixed);
    const id = await world.ask(await world.push(fixed, after, "github:ada <ada@example.com>"));
    await world.expectRefused(id, "ada", "bob");
    expect(await world.quorum(id)).toBe(1);
    expect((await world.vote(id, "eve")).result).toBe("decided");
  });

  test("a change without a known author that removes what prod serves needs one more approval", async () => {
    const first = await promoteFirstVersion(open());
    const fixed = await repository.commit(createModelChange("bob's"), "bob");
    repository.git(["reset", "-q", "--hard", first]);
    const after = await repository.commit(createModelChange("another"), "bob");
    const signed = { by: "account", login: "github:bob" } as const;
    const world = open({
      identities: logins,
      vouch: playGitHubHistory({
        updates: [{ before: first, after, by: "github:eve" }],
        signed: { [fixed]: signed, [after]: signed },
      }),
    });
    await world.promote(fixed);
    const id = await world.ask(await world.push(first, after, "github:eve <eve@example.com>"));
    await world.expectRefused(id, "bob", "eve");
    expect(await world.quorum(id)).toBe(2);
  });

  const bot = "49699333+dependabot[bot]@users.noreply.github.com";
  test("Dependabot's signed change of the lock file, merged by Bob, has no contributor; an unsigned one has", async () => {
    const before = await promoteFirstVersion(open());
    repository.git(["checkout", "-q", "-b", "dependabot/npm"]);
    const head = await repository.commit({ "package-lock.json": "{}" }, bot, {
      committer: "noreply@github.com",
    });
    repository.git(["checkout", "-q", "main"]);
    repository.git(
      ["merge", "-q", "--no-ff", "dependabot/npm", "-m", "Merge"],
      repository.as("bob", "noreply@github.com"),
    );
    const after = repository.head();
    const pull = { base: before, head, by: ["github:dependabot[bot]", "github:dependabot[bot]"] };
    const vouchFor = (signed: Readonly<Record<string, HistoryCommit["signature"]>>) =>
      playGitHubHistory({
        updates: [{ before, after, by: "github:bob", pull: "#2" }],
        signed,
        accounts: { [bot]: "github:dependabot[bot]" },
        pulls: { "#2": pull },
      });
    const world = open({
      identities: logins,
      vouch: vouchFor({ [head]: { by: "host" }, [after]: { by: "host" } }),
    });
    await world.promote(before);
    const id = await world.ask(await world.push(before, after, "github:bob <bob@example.com>"));
    expect(await world.contributors(id)).toMatchObject({ people: [], unmapped: [] });
    expect((await world.vote(id, "bob")).result).toBe("decided");

    const forged = open({ identities: logins, vouch: vouchFor({ [after]: { by: "host" } }) });
    await forged.promote(before);
    const forgedId = await forged.ask(await forged.push(before, after, "github:bob <bob@example.com>"));
    expect(await forged.quorum(forgedId)).toBeGreaterThan(1);
  });

  test("in a monorepo of ten models the author of a change to one is not a contributor to the others", async () => {
    const world = open();
    const names = Array.from({ length: 10 }, (_, index) => `model-${index}`);
    const first = await repository.commit(
      Object.assign({ "policy.yaml": policy }, ...names.map((name) => folder(name))),
      "eve",
    );
    await world.push(null, first, toEmail("eve"), "model-0");
    for (const name of names) await world.promote(first, name);
    let before = first;
    const makers: readonly Person[] = ["ada", "bob", "sam"];
    for (const [index, name] of names.entries()) {
      const maker = makers[index % 3] ?? "ada";
      const after = await repository.commit({ [`models/${name}/model.onnx`]: `${index}` }, maker);
      const id = await world.ask(await world.push(before, after, toEmail(maker), name));
      expect((await world.contributors(id))?.people).toEqual([toEmail(maker)]);
      await world.expectRefused(id, maker);
      expect((await world.vote(id, makers[(index + 1) % 3] ?? "bob")).result).toBe("decided");
      before = after;
    }
  });
});

describe("on GitHub, Ada who pushes a commit in Sam's name to a branch x", () => {
  /** Eve opens a pull request of `y`, which contains only Ada's commit; Ada merges it on GitHub's pages. */
  const mergeBranchY = async (
    createBranchActivities: (ids: { readonly before: string; readonly forged: string }) => readonly object[],
  ) => {
    const before = await promoteFirstVersion(open());
    repository.git(["checkout", "-q", "-b", "y"]);
    const forged = await repository.commit(createModelChange("ada's"), "sam");
    repository.git(["checkout", "-q", "main"]);
    repository.git(
      ["merge", "-q", "--no-ff", "y", "-m", "Merge pull request #1"],
      repository.as("ada", "noreply@github.com"),
    );
    const after = repository.head();
    const pull = {
      number: 1,
      merged_at: "2026-01-01T00:00:00Z",
      merge_commit_sha: after,
      user: { login: "eve" },
      head: { ref: "y", sha: forged, repo: { full_name: "example/models" } },
      commits: [forged],
    };
    const record: GitHubRecord = {
      // Newest first.
      activities: [
        createActivity("main", "pr_merge", "ada", before, after),
        ...createBranchActivities({ before, forged }),
      ],
      pulls: { [after]: pull },
      verified: new Set([after]),
    };
    return useGitHubServer(record, async (vouch) => {
      const world = open({ identities: logins, vouch });
      await world.promote(before);
      const id = await world.ask(await world.push(before, after, "github:ada <ada@example.com>"));
      return { world, id };
    });
  };

  test.each([
    [
      "Eve's branch y, made from x",
      ({ before, forged }) => [
        createActivity("y", "branch_creation", "eve", nullCommit, forged),
        createActivity("x", "push", "ada", before, forged),
        createActivity("x", "branch_creation", "ada", nullCommit, before),
      ],
    ],
    [
      "Eve's branch y, into which she merged x and pushed it",
      ({ before, forged }) => [
        createActivity("y", "push", "eve", before, forged),
        createActivity("y", "branch_creation", "eve", nullCommit, before),
        createActivity("x", "branch_creation", "ada", nullCommit, forged),
      ],
    ],
    [
      "the branch that Eve restored after it was deleted",
      ({ before, forged }) => [
        createActivity("y", "branch_creation", "eve", nullCommit, forged),
        createActivity("y", "branch_deletion", "ada", forged, nullCommit),
        createActivity("y", "push", "ada", before, forged),
        createActivity("y", "branch_creation", "ada", nullCommit, before),
      ],
    ],
  ] satisfies [string, Parameters<typeof mergeBranchY>[0]][])(
    "and merges %s, may not approve it",
    async (_, createBranchActivities) => {
      const { world, id } = await mergeBranchY(createBranchActivities);
      await world.expectRefused(id, "ada", "eve", "sam");
      expect(await world.quorum(id)).toBe(1);
      expect((await world.vote(id, "bob")).result).toBe("decided");
    },
  );

  test("and merges a branch that had the commit before the record begins, cannot decide alone", async () => {
    const { world, id } = await mergeBranchY(({ forged }) => [
      createActivity("y", "branch_creation", "eve", nullCommit, forged),
      createActivity("x", "push", "bob", forged, "1".repeat(40)),
    ]);
    await world.expectRefused(id, "eve", "sam");
    expect(await world.quorum(id)).toBe(2);
  });

  test("Ada may approve a commit that Eve pushed herself with a new branch, also where Ada merges it", async () => {
    const { world, id } = await mergeBranchY(({ forged }) => [
      createActivity("y", "branch_creation", "eve", nullCommit, forged),
    ]);
    await world.expectRefused(id, "eve", "sam");
    expect(await world.quorum(id)).toBe(1);
    expect((await world.vote(id, "ada")).result).toBe("decided");
  });

  test.each(["--no-ff", "--ff-only"])(
    "may not approve it either where Bob merges x by git merge %s and pushes main",
    async (how) => {
      const before = await promoteFirstVersion(open());
      repository.git(["checkout", "-q", "-b", "x"]);
      const forged = await repository.commit(createModelChange("ada's"), "sam");
      repository.git(["checkout", "-q", "main"]);
      repository.git(["merge", "-q", how, "x"], repository.as("bob"));
      const after = repository.head();
      const activities = [
        createActivity("main", "push", "bob", before, after),
        createActivity("x", "branch_creation", "ada", nullCommit, forged),
      ];
      await useGitHubServer({ activities }, async (vouch) => {
        const world = open({ identities: logins, vouch });
        await world.promote(before);
        const id = await world.ask(await world.push(before, after, "github:bob <bob@example.com>"));
        await world.expectRefused(id, "ada", "bob", "sam");
        expect(await world.quorum(id)).toBe(1);
        expect((await world.vote(id, "eve")).result).toBe("decided");
      });
    },
  );
});

describe("on GitHub, a pull request of Ada's into the branch develop, in Sam's name", () => {
  /** Eve merges it by this method; then the keeper of develop merges develop into main. */
  const mergeIntoDevelop = async (
    method: "merge" | "squash" | "rebase",
    type: string,
    toMain: "pull request" | "push",
    { isListed = true, keeper = "eve" as Person } = {},
  ) => {
    const before = await promoteFirstVersion(open());
    repository.git(["checkout", "-q", "-b", "ada"]);
    const forged = await repository.commit(createModelChange("ada's"), "sam");
    repository.git(["checkout", "-q", "-b", "develop", before]);
    await repository.commit({ "README.md": "new" }, keeper);
    const start = repository.head();
    if (method === "merge") mergeOnHost("ada", "eve");
    if (method === "squash") {
      repository.git(["merge", "-q", "--squash", "ada"], repository.as("sam"));
      repository.git(["commit", "-q", "-m", "Change"], repository.as("sam", "noreply@github.com"));
    }
    if (method === "rebase") repository.git(["cherry-pick", forged], repository.as("eve"));
    if (method === "rebase")
      repository.git(
        ["commit", "-q", "--amend", "--no-edit", "--author=sam <sam@example.com>"],
        repository.as("sam", "eve"),
      );
    const copy = repository.head();
    repository.git(["checkout", "-q", "main"]);
    const after = mergeOnHost("develop", keeper);
    const commits = repository.git(["rev-list", "--reverse", "develop", "^main~1"]).split("\n");
    const record: GitHubRecord = {
      // Newest first.
      activities: [
        createActivity("main", toMain === "push" ? "push" : "pr_merge", keeper, before, after),
        createActivity("develop", type, "eve", start, copy),
        createActivity("develop", "push", keeper, before, start),
        createActivity("develop", "branch_creation", keeper, nullCommit, before),
        createActivity("ada", "push", "ada", before, forged),
        createActivity("ada", "branch_creation", "ada", nullCommit, before),
      ],
      pulls: {
        ...(isListed && { [copy]: pullRequest(1, "ada", { ref: "ada", sha: forged }, copy, [forged]) }),
        ...(toMain === "pull request" && {
          [after]: pullRequest(2, keeper, { ref: "develop", sha: copy }, after, commits),
        }),
      },
      verified: new Set(method === "rebase" ? [after] : [after, copy]),
    };
    return useGitHubServer(record, async (vouch) => {
      const world = open({ identities: logins, vouch });
      await world.promote(before);
      const pusher = `github:${keeper} <${toEmail(keeper)}>`;
      return { world, id: await world.ask(await world.push(before, after, pusher)) };
    });
  };

  test.each([
    ["merge", "pr_merge", "pull request"],
    ["squash", "pr_merge", "pull request"],
    ["rebase", "pr_merge", "pull request"],
    ["squash", "merge_queue_merge", "pull request"],
    ["squash", "pr_merge", "push"],
    ["rebase", "pr_merge", "push"],
  ] as const)(
    "has Ada as a contributor, by %s (%s), where develop comes to main by a %s",
    async (method, type, toMain) => {
      const { world, id } = await mergeIntoDevelop(method, type, toMain);
      await world.expectRefused(id, "ada", "sam");
      expect(await world.quorum(id)).toBe(1);
      expect((await world.vote(id, "bob")).result).toBe("decided");
    },
  );

  test.each(["pull request", "push"] as const)(
    "needs one more approval where GitHub does not say which pull request it was, and develop comes to main by a %s",
    async (toMain) => {
      const { world, id } = await mergeIntoDevelop("squash", "merge_queue_merge", toMain, {
        isListed: false,
      });
      expect(await world.quorum(id)).toBe(2);
    },
  );

  test("may be approved by Eve who merged it on GitHub's pages", async () => {
    const { world, id } = await mergeIntoDevelop("squash", "pr_merge", "pull request", { keeper: "bob" });
    expect((await world.contributors(id))?.people).not.toContain(toEmail("eve"));
    expect((await world.vote(id, "eve")).result).toBe("decided");
  });
});

describe("a pull request with only its first 250 commits in GitHub's list", () => {
  test.each([
    ["the author of a later commit", "ada", "eve"],
    ["the first pusher of a later commit", "eve", "ada"],
  ] as const)("has %s as a contributor, and needs one more approval", async (_, claims, pusher) => {
    const before = await promoteFirstVersion(open());
    repository.git(["checkout", "-q", "-b", "long"]);
    const first = await repository.commit(createModelChange("eve's"), "eve");
    const last = await repository.commit(createModelChange("ada's"), claims);
    repository.git(["checkout", "-q", "main"]);
    const after = mergeOnHost("long", "bob");
    const by = ["github:eve", "github:eve", null];
    const world = open({
      identities: logins,
      vouch: playGitHubHistory({
        updates: [{ before, after, by: "github:bob", pull: "#1" }],
        signed: { [after]: { by: "host" } },
        pulls: { "#1": { base: before, head: first, by, isWhole: false } },
        branches: [{ before: null, after: last, by: `github:${pusher}`, merged: null }],
      }),
    });
    await world.promote(before);
    const id = await world.ask(await world.push(before, after, "github:bob <bob@example.com>"));
    await world.expectRefused(id, "ada", "eve");
    expect(await world.quorum(id)).toBe(2);
    expect((await world.vote(id, "bob")).result).toBe("counted");
    expect((await world.vote(id, "sam")).result).toBe("decided");
  });
});

describe("a first version out of a repository of 600 commits on GitHub", () => {
  /** Ada pushes all commits; their authors are as the commits say. */
  const deliverFirst = async (
    changes: Readonly<Record<number, ImportedCommit>>,
    play: (world: World, id: string) => Promise<void>,
  ) => {
    const commits = Array.from({ length: 600 }, (_, index) => ({
      author: toEmail(index % 2 ? "ada" : "bob"),
      files: { [`notes/${index}`]: `${index}` },
      ...changes[index],
    }));
    const after = importCommits(repository.path, commits).at(-1) ?? "";
    const record = { activities: [createActivity("main", "push", "ada", nullCommit, after)] };
    await useGitHubServer(record, async (vouch) => {
      const world = open({ identities: logins, vouch });
      const change = await world.push(null, after, "github:ada <ada@example.com>");
      await play(world, await world.ask(change));
    });
  };
  const files = { "policy.yaml": policy, ...folder("churn", [slackIds.ada, slackIds.bob]) };

  test("may be approved by the second person of a team of two, and not by the author of an old commit of its folder", async () => {
    await deliverFirst({ 3: { author: toEmail("ada"), files } }, async (world, id) => {
      expect(await world.contributors(id)).toMatchObject({ people: [toEmail("ada")], unmapped: [] });
      expect(await world.quorum(id)).toBe(1);
      await world.expectRefused(id, "ada");
      expect((await world.vote(id, "bob")).result).toBe("decided");
    });
  });

  test("may be approved neither by Bob, who made its third commit, nor by Ada, who made the others", async () => {
    const bobs = { author: toEmail("bob"), files: { "models/churn/model.onnx": "bob's" } };
    const adas = { author: toEmail("ada"), files: { ...files, ...folder("churn") } };
    await deliverFirst({ 3: bobs, 598: adas }, async (world, id) => {
      await world.expectRefused(id, "ada", "bob");
      expect((await world.vote(id, "sam")).result).toBe("decided");
    });
  });

  test("may not be approved by the author of a file that moved into its folder from another", async () => {
    const modelFiles: Record<string, string> = { ...files, ...folder("churn") };
    const model = modelFiles["models/churn/model.onnx"] ?? "";
    const changes = {
      3: { author: toEmail("sam"), files: { "lab/model.onnx": model } },
      300: {
        author: toEmail("ada"),
        files: { ...modelFiles, "lab/model.onnx": null },
      },
    };
    await deliverFirst(changes, async (world, id) => {
      await world.expectRefused(id, "ada", "sam");
      expect(await world.quorum(id)).toBe(1);
      expect((await world.vote(id, "bob")).result).toBe("decided");
    });
  });
});
