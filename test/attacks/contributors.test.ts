import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { deriveApprovalId } from "#domain/approval/approval-records.ts";
import type { Vote } from "#domain/approval/approvals.ts";
import { assertApprovable } from "#domain/approval/assert-approvable.ts";
import { Identities } from "#domain/approval/identities.ts";
import { resolveApprovers } from "#domain/approval/resolve-approvers.ts";
import { rollBackProd } from "#domain/rollback/roll-back-prod.ts";
import { requestApproval } from "#lambdas/request-approval/request-approval.ts";
import { parseCodeCommitPush } from "#lambdas/start-delivery/parse-codecommit-push.ts";
import { createPushEventHandler } from "#lambdas/start-delivery/push-handler.ts";
import { startDelivery } from "#lambdas/start-delivery/start-delivery.ts";
import { createGitSource } from "#platform/source/git.ts";
import { createGitHubSource } from "#platform/source/github.ts";
import { createGitHubClient } from "#platform/source/github-client.ts";
import { createGitHubHistory } from "#platform/source/github-history.ts";
import type { CommitHistory, HistoryCommit, RefUpdate, Source } from "#platform/source/source.ts";
import { openDatabase } from "#platform/store/open-database.ts";
import { renderMessageBlocks } from "#slack/message-blocks.ts";
import { DeliveryInput } from "#statemachine/contracts.ts";
import { type GitHubRecord, startGitHubServer } from "#test/peers/github/github-server.ts";
import { gitEnvironment } from "#test/support/git-repository.ts";
import { type ImportedCommit, importCommits } from "#test/support/import-commits.ts";
import { createMemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { runCommand } from "#test/support/run-command.ts";
import { startStubServer } from "#test/support/stub-server.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { buildModelYaml, fakeDigest, policyYaml } from "#test/support/toy-model.ts";
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import { acquireDataFolder } from "#worlds/embedded/data/data-folder-ownership.ts";

type Person = "ada" | "bob" | "sam" | "eve";
const slackIds: Readonly<Record<Person, string>> = { ada: "U0ADA", bob: "U0BOB", sam: "U0SAM", eve: "U0EVE" };
const toEmail = (person: string) => `${person}@example.com`;
const allSlackIds = Object.values(slackIds);

/** A repository in which anyone can write any name into a commit. */
const createRepository = async () => {
  const folder = await createTemporaryFolder();
  let seconds = 1_760_000_000;
  const git = (args: readonly string[], env: Readonly<Record<string, string>> = {}): string =>
    execFileSync("git", ["-c", "commit.gpgSign=false", "-c", "merge.conflictStyle=merge", ...args], {
      cwd: folder.path,
      env: { ...gitEnvironment, GIT_CONFIG_GLOBAL: "/dev/null", ...env },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    }).trim();
  /** Git's author and committer: a claim, not a proof. */
  const as = (author: string, committer = author) => {
    seconds += 60;
    return {
      GIT_AUTHOR_NAME: author,
      GIT_AUTHOR_EMAIL: author.includes("@") ? author : toEmail(author),
      GIT_COMMITTER_NAME: committer,
      GIT_COMMITTER_EMAIL: committer.includes("@") ? committer : toEmail(committer),
      GIT_AUTHOR_DATE: `${seconds} +0000`,
      GIT_COMMITTER_DATE: `${seconds} +0000`,
    };
  };
  git(["init", "--quiet", "--initial-branch=main"]);
  const write = async (path: string, content: string) => {
    await mkdir(dirname(join(folder.path, path)), { recursive: true });
    await writeFile(join(folder.path, path), content);
  };
  const commit = async (
    files: Readonly<Record<string, string>>,
    author: string,
    { committer = author, message = "a change" } = {},
  ): Promise<string> => {
    for (const [path, content] of Object.entries(files)) await write(path, content);
    git(["add", "--all"]);
    git(["commit", "--quiet", "--allow-empty", "-m", message], as(author, committer));
    return git(["rev-parse", "HEAD"]);
  };
  return {
    path: folder.path,
    git,
    as,
    write,
    commit,
    head: () => git(["rev-parse", "HEAD"]),
    remove: folder.remove,
  };
};
type Repository = Awaited<ReturnType<typeof createRepository>>;

const yaml = (name: string, approvers: readonly string[], authorMayApprove = false) =>
  buildModelYaml({
    name,
    approval: `{ approvers: [${approvers.join(", ")}], quorum: 1, authorMayApprove: ${authorMayApprove}, timeout: PT24H }`,
  });
const golden = JSON.stringify({
  tolerance: 1e-5,
  rows: [{ x: 1 }, { x: 2 }],
  predictions: [
    { label: "yes", scores: { no: 0.25, yes: 0.75 } },
    { label: "yes", scores: { no: 0.25, yes: 0.75 } },
  ],
});
const folder = (name: string, approvers: readonly string[] = allSlackIds) => ({
  [`models/${name}/model.yaml`]: yaml(name, approvers),
  [`models/${name}/model.onnx`]: `onnx of ${name}`,
  [`models/${name}/golden.json`]: golden,
  [`models/${name}/holdout.csv`]: "x,label\n1,yes\n2,no\n",
});
const policy = policyYaml.replace("[U024BE7LH, U0SECOND1]", `[${allSlackIds.join(", ")}]`);
const lenientPolicy = policy.replace("authorMayApprove: false", "authorMayApprove: true");

/** The steps that decide who may approve, on a real repository, without stubs between push and vote. */
const createWorld = (
  repository: Repository,
  {
    identities = { domains: ["example.com"] },
    vouch = (source: Source & CommitHistory): Source & CommitHistory => source,
    platform = policy,
    hidden = [],
    shown = {},
  }: {
    readonly identities?: unknown;
    readonly vouch?: (source: Source & CommitHistory) => Source & CommitHistory;
    /** The platform's copy of the policy. */
    readonly platform?: string;
    /** Slack users without an address. */
    readonly hidden?: readonly string[];
    /** Addresses that Slack shows instead of users' addresses at work. */
    readonly shown?: Readonly<Record<string, string>>;
  } = {},
) => {
  const world = createMemoryWorld({ platform });
  const source = vouch(createGitSource({ repository: repository.path }));
  const parts = {
    ...world,
    source,
    slack: {
      users: {
        info: async ({ user }: { user: string }) => ({
          user: {
            profile: hidden.includes(user)
              ? {}
              : { email: shown[user] ?? toEmail(user.slice(2).toLowerCase()) },
          },
        }),
      },
    },
    policy: {
      ...world.policy,
      read: async () => ({ ...(await world.policy.read()), identities: Identities.parse(identities) }),
    },
    addresses: "organisation" as const,
  };
  const approvers = resolveApprovers(parts);
  const needs = { ...world, ...parts, approversFor: approvers, slack: undefined as never };
  const assertStart = assertApprovable({ ...needs });
  const start = startDelivery(needs);

  /** Delivers a push, as start-delivery does; returns the model's newest delivery. */
  const push = async (
    before: string | null,
    after: string,
    pusher: string | null,
    model = "churn",
  ): Promise<{ delivery: string; commit: string; model: string; pusher: string | null }> => {
    const { deliveries } = await start({
      repository: "shop",
      before,
      after,
      pusher,
      runtime: fakeDigest("f"),
    });
    const newest = deliveries.find((each) => each.model === model);
    return { delivery: newest?.name ?? `${model}-none`, commit: after, model, pusher };
  };
  /** CodeCommit's event for a push to another branch than main. */
  const pushBranch = (
    branch: string,
    before: string | null,
    after: string,
    pusher: string | null,
    referenceType = "branch",
  ) =>
    createPushEventHandler({ repository: "shop", branch: "main", runtime: fakeDigest("f") })({
      start,
      pushes: needs.pushes,
    })({
      source: "aws.codecommit",
      detail: {
        event: before === null ? "referenceCreated" : "referenceUpdated",
        repositoryName: "shop",
        referenceType,
        referenceName: branch,
        commitId: after,
        ...(before !== null && { oldCommitId: before }),
        ...(pusher !== null && { callerUserArn: pusher }),
      },
    });
  /** The delivery that `slipway deliver` starts for its caller. */
  const deliver = async (commit: string, caller: string, model = "churn") => {
    const { deliveries } = await start({
      repository: "shop",
      before: null,
      after: commit,
      pusher: caller,
      runtime: fakeDigest("f"),
      models: [model],
    });
    const name = deliveries[0]?.name ?? "";
    const { pusher } = DeliveryInput.parse((await world.deliveries.describe(name))?.input);
    return { delivery: name, commit, model, pusher };
  };
  let tokens = 0;
  const ask = async (change: Awaited<ReturnType<typeof push>>) => {
    await assertStart(change);
    const { delivery, model, commit } = change;
    const grant = await world.claims.take(
      { environment: "stage", model, delivery, requestedAt: ++tokens, now: world.time.now },
      "force",
    );
    if (grant.status !== "granted") throw new Error("a forced claim is granted");
    const taskToken = `token-${tokens}`;
    world.engine.waiting.add(taskToken);
    await requestApproval({ ...world, ...needs })({
      delivery,
      model,
      commit,
      taskToken,
      fence: grant.fence,
      baseline: (await world.ledger.serving("prod", model))?.sequence ?? 0,
      digest: fakeDigest("a"),
      version: tokens,
      author: { name: "whoever", email: "whoever@example.com" },
      pusher: change.pusher,
      scanChecks: [],
      checks: [],
      omitted: [],
      timeoutSeconds: 86_400,
      provenance: null,
    });
    const baseline = (await world.ledger.serving("prod", model))?.sequence ?? 0;
    return deriveApprovalId({ model, delivery, baseline });
  };
  const vote = (id: string, person: Person, changes: Partial<Vote> = {}) =>
    world.approvals.vote(id, {
      user: slackIds[person],
      name: person,
      email: toEmail(person),
      verdict: "approved",
      reason: null,
      at: world.time.now,
      ...changes,
    });
  const expectRefused = async (id: string, ...people: Person[]) => {
    for (const person of people)
      expect([person, (await vote(id, person)).result]).toEqual([person, "refused"]);
  };
  const contributors = async (id: string) => (await world.approvals.read(id))?.contributors;
  const quorum = async (id: string) => (await world.approvals.read(id))?.rule.quorum;
  /** Prod serves this commit of the model. */
  const promote = async (commit: string, model = "churn") => {
    await promoteVersion(world, "e", 1).catch(() => undefined);
    const entry = await world.ledger.begin(
      {
        environment: "prod",
        model,
        delivery: `served-${commit.slice(0, 8)}-${model}`,
        commit,
        digest: fakeDigest("b"),
        version: 1,
        functionVersion: "1",
        fence: 1_000,
        previous: (await world.ledger.serving("prod", model))?.sequence ?? 0,
        reason: null,
      },
      world.time.now,
    );
    await world.ledger.change(entry, (current) => ({
      ...current,
      status: "promoted",
      promotedAt: world.time.now,
    }));
  };
  /** The newest delivery's message in Slack. */
  const message = () => {
    const state = [...world.slack.shown.values()].at(-1);
    if (!state) throw new Error("the delivery has a message");
    return JSON.stringify(renderMessageBlocks(state, undefined).blocks);
  };
  return {
    world,
    message,
    push,
    pushBranch,
    deliver,
    rollBack: (model = "churn") => rollBackProd(needs)({ model, id: "rollback-1", by: "eve: slow answers" }),
    ask,
    vote,
    expectRefused,
    contributors,
    quorum,
    promote,
    start: assertStart,
    close: world.close,
  };
};
type World = ReturnType<typeof createWorld>;

let repository: Repository;
let worlds: World[] = [];
beforeEach(async () => {
  repository = await createRepository();
  worlds = [];
});
afterEach(async () => {
  for (const world of worlds) world.close();
  await repository.remove();
});
const open = (options?: Parameters<typeof createWorld>[1]) => {
  const world = createWorld(repository, options);
  worlds.push(world);
  return world;
};
/** Prod serves Eve's first version; main continues from it. */
const promoteFirstVersion = async (world: World, model = "churn") => {
  const first = await repository.commit({ "policy.yaml": policy, ...folder(model) }, "eve");
  await world.push(null, first, toEmail("eve"), model);
  await world.promote(first, model);
  return first;
};
const createModelChange = (text: string) => ({ "models/churn/model.onnx": text });

describe("a contributor may not approve", () => {
  test("one push with Ada's change and then Sam's typo has both as contributors", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    await repository.commit(createModelChange("ada's"), "ada");
    const after = await repository.commit({ "README.md": "typo" }, "sam");
    const id = await world.ask(await world.push(before, after, toEmail("sam")));
    await world.expectRefused(id, "ada", "sam");
    expect((await world.vote(id, "bob")).result).toBe("decided");
  });

  test("a branch of Ada's that Bob merges by a merge commit has both as contributors", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    repository.git(["checkout", "-q", "-b", "feature"]);
    await repository.commit(createModelChange("ada's"), "ada");
    repository.git(["checkout", "-q", "main"]);
    await repository.commit({ "README.md": "bob's" }, "bob");
    repository.git(["merge", "-q", "--no-ff", "feature", "-m", "Merge"], repository.as("bob"));
    const id = await world.ask(await world.push(before, repository.head(), toEmail("bob")));
    await world.expectRefused(id, "ada", "bob");
    expect((await world.vote(id, "sam")).result).toBe("decided");
  });

  test.each([
    ["a GitHub login", "github:ada"],
    ["a noreply address", "12+ada@users.noreply.github.com"],
    ["an IAM user's ARN", "arn:aws:iam::123456789012:user/ada"],
    [
      "a session that she named herself",
      "arn:aws:sts::123456789012:assumed-role/DataScience/bob@example.com",
    ],
    ["a missing pusher", null],
  ])(
    "Ada who commits as Sam is not known by %s: one more approval is needed, and the message says so",
    async (_, pusher) => {
      const world = open();
      const before = await promoteFirstVersion(world);
      const after = await repository.commit(createModelChange("ada's"), "sam");
      const id = await world.ask(await world.push(before, after, pusher));
      await world.expectRefused(id, "sam");
      expect(await world.quorum(id)).toBeGreaterThanOrEqual(2);
      expect((await world.vote(id, "ada")).result).toBe("counted");
      expect(world.message()).toMatch(
        /Not mapped to a person \((1 extra approval|2 extra approvals) required\)/,
      );
      expect((await world.vote(id, "bob")).result).toMatch(/counted|decided/);
    },
  );

  test.each(["github:ada", "12+ada@users.noreply.github.com", "arn:aws:iam::123456789012:user/ada"])(
    "mapped by the platform, %s is Ada whatever the commit says",
    async (pusher) => {
      const identities = {
        people: {
          "ada@example.com": {
            logins: ["github:Ada"],
            arns: ["arn:aws:iam::123456789012:user/ada"],
            emails: ["12+ada@users.noreply.github.com"],
          },
        },
      };
      const world = open({ identities });
      const before = await promoteFirstVersion(world);
      const after = await repository.commit(createModelChange("ada's"), "sam");
      const id = await world.ask(await world.push(before, after, pusher));
      await world.expectRefused(id, "ada", "sam");
      expect(await world.quorum(id)).toBe(1);
    },
  );

  test("an address with a tag, in capitals or with a trailing dot belongs to the same person", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("x"), "Ada+models@EXAMPLE.com.");
    const id = await world.ask(await world.push(before, after, toEmail("eve")));
    for (const email of ["ada@example.com", "ADA+slack@example.com", "ada@example.com."])
      expect((await world.vote(id, "ada", { email })).result).toBe("refused");
  });

  test("an address that only looks like a person's belongs to nobody", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("x"), "аda@example.com");
    const id = await world.ask(await world.push(before, after, toEmail("eve")));
    expect(await world.quorum(id)).toBe(2);
    expect((await world.vote(id, "bob", { email: "bоb@example.com" })).result).toBe("refused");
  });

  test("a co-author is a contributor, wherever the line is in the message", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    const message =
      "Change\n\nco-authored-by: Ada <ADA@example.com>\nnot a trailer\n\nCo-authored-by: Bob\n <bob@example.com>";
    const after = await repository.commit(createModelChange("x"), "sam", { message });
    const id = await world.ask(await world.push(before, after, toEmail("sam")));
    await world.expectRefused(id, "ada", "bob", "sam");
  });

  test("a committer is a contributor, also of a cherry-pick", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    repository.git(["checkout", "-q", "-b", "other"]);
    const original = await repository.commit(createModelChange("ada's"), "ada");
    repository.git(["checkout", "-q", "main"]);
    repository.git(["cherry-pick", original], {
      ...repository.as("bob"),
      GIT_AUTHOR_NAME: "",
      GIT_AUTHOR_EMAIL: "",
    });
    const id = await world.ask(await world.push(before, repository.head(), toEmail("sam")));
    await world.expectRefused(id, "ada", "bob", "sam");
  });

  test("an approver without a known address may not approve", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("x"), "ada");
    const id = await world.ask(await world.push(before, after, toEmail("ada")));
    expect((await world.vote(id, "bob", { email: undefined })).result).toBe("refused");
  });

  test("a forged author merged by the forger keeps the forger out", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    repository.git(["checkout", "-q", "-b", "feature"]);
    await repository.commit(createModelChange("sam's"), "ada");
    repository.git(["checkout", "-q", "main"]);
    repository.git(["merge", "-q", "--no-ff", "feature", "-m", "Merge"], repository.as("sam"));
    const id = await world.ask(await world.push(before, repository.head(), toEmail("sam")));
    await world.expectRefused(id, "ada", "sam");
  });

  test("whoever pushed a forged commit before stays a contributor when another pushes after them", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    const forged = await repository.commit(createModelChange("sam's"), "ada");
    await world.push(before, forged, toEmail("sam"));
    const after = await repository.commit(createModelChange("bob's"), "bob");
    const id = await world.ask(await world.push(forged, after, toEmail("bob")));
    await world.expectRefused(id, "ada", "sam", "bob");
  });

  test("commits without a known pusher need one more approval", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    const forged = await repository.commit(createModelChange("sam's"), "ada");
    const after = await repository.commit(createModelChange("bob's"), "bob");
    const id = await world.ask(await world.push(forged, after, toEmail("bob")));
    expect((await world.contributors(id))?.unmapped).toEqual([
      { identity: `whoever pushed ${forged.slice(0, 12)}`, why: "there is no record of the push" },
    ]);
    expect(before).not.toBe(forged);
  });

  test("a merge with content of neither parent is a change by its author", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    repository.git(["checkout", "-q", "-b", "feature"]);
    await repository.commit(createModelChange("ada's"), "ada");
    repository.git(["checkout", "-q", "main"]);
    await repository.commit({ "README.md": "x" }, "ada");
    repository.git(["merge", "-q", "--no-ff", "--no-commit", "feature"], repository.as("bob"));
    await repository.write("models/churn/model.onnx", "bob's own");
    repository.git(["add", "--all"]);
    repository.git(["commit", "-q", "-m", "Merge"], repository.as("bob"));
    const id = await world.ask(await world.push(before, repository.head(), toEmail("ada")));
    await world.expectRefused(id, "ada", "bob");
  });

  test("a rewritten branch that removes content has the authors of that content as contributors", async () => {
    const world = open();
    const first = await promoteFirstVersion(world);
    const second = await repository.commit(createModelChange("ada's"), "ada");
    await world.promote(second);
    repository.git(["reset", "-q", "--hard", first]);
    const after = await repository.commit(createModelChange("sam's"), "sam");
    const id = await world.ask(await world.push(second, after, toEmail("sam")));
    await world.expectRefused(id, "ada", "sam");
  });

  test("a renamed folder keeps its contributors", async () => {
    const world = open();
    await promoteFirstVersion(world);
    const lines = Array.from({ length: 50 }, (_, index) => `line ${index} of ada`).join("\n");
    const old = await repository.commit({ "models/old/model.onnx": lines }, "ada");
    repository.git(["mv", "models/old", "models/fresh"]);
    const after = await repository.commit(
      { ...folder("fresh"), "models/fresh/model.onnx": `${lines}\nsam` },
      "sam",
    );
    await world.push(null, old, toEmail("ada"), "none");
    const id = await world.ask(await world.push(old, after, toEmail("sam"), "fresh"));
    await world.expectRefused(id, "ada", "sam");
    expect((await world.vote(id, "bob")).result).toBe("decided");
  });

  test("for a first version every commit of its folder counts, and every commit of the runtime that serves prod for no other model", async () => {
    const world = open();
    await repository.commit({ "policy.yaml": policy, "inference/app.ts": "1" }, "bob");
    await repository.commit(folder("churn"), "ada");
    const first = repository.head();
    const id = await world.ask(await world.push(null, first, toEmail("ada")));
    await world.expectRefused(id, "ada", "bob");
    expect((await world.vote(id, "sam")).result).toBe("decided");

    await world.promote(first);
    await repository.commit({ "inference/app.ts": "2" }, "sam");
    const after = await repository.commit(folder("second"), "ada");
    const second = await world.ask(await world.push(first, after, toEmail("ada"), "second"));
    await world.expectRefused(second, "sam", "ada");
    expect((await world.vote(second, "bob")).result).toBe("decided");
  });
});

const toSsoArn = (person: Person) =>
  `arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_people_0123456789abcdef/${toEmail(person)}`;

describe("the person who runs slipway deliver", () => {
  test.each([
    ["on one machine", toEmail("bob")],
    ["on AWS, by a session of IAM Identity Center", toSsoArn("bob")],
  ])("started that delivery and may not approve it, %s", async (_, caller) => {
    const world = open();
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("ada's"), "ada");
    await world.push(before, after, toEmail("ada"));
    const id = await world.ask(await world.deliver(after, caller));
    await world.expectRefused(id, "ada", "bob");
    expect((await world.vote(id, "sam")).result).toBe("decided");
  });

  test("may approve the same commit where another person delivers it", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("ada's"), "ada");
    await world.push(before, after, toEmail("ada"));
    await world.deliver(after, toEmail("bob"));
    const id = await world.ask(await world.deliver(after, toEmail("sam")));
    await world.expectRefused(id, "ada", "sam");
    expect((await world.vote(id, "bob")).result).toBe("decided");
  });

  test("is recorded by the command itself: as the author that git would use there, whatever the commit says", async () => {
    const temporary = await createTemporaryFolder();
    const data = resolveDataFolder(temporary.path);
    const calls: unknown[] = [];
    const engine = await startStubServer((_, body) => {
      calls.push(JSON.parse(body.toString()));
      return { started: true };
    });
    const owner = acquireDataFolder(data, { command: "rehearse", now: Date.now() });
    try {
      openDatabase(data.database).close();
      owner.announce(engine.url);
      const world = open();
      const before = await promoteFirstVersion(world);
      const after = await repository.commit(createModelChange("ada's"), "ada");
      await world.push(before, after, toEmail("ada"));
      repository.git(["clone", "-q", repository.path, data.repository]);
      repository.git(["-C", data.repository, "config", "user.email", toEmail("bob")]);

      const run = await runCommand(["deliver", "churn", "--data", temporary.path], {});

      expect([run.code, run.stderr]).toEqual([0, ""]);
      expect(calls).toMatchObject([{ call: "start", input: { commit: after, pusher: toEmail("bob") } }]);
    } finally {
      owner.release();
      await engine.stop();
      await temporary.remove();
    }
  });

  test("is a contributor of that delivery where they had merged the pull request on GitHub's pages, too", async () => {
    const before = await promoteFirstVersion(open());
    repository.git(["checkout", "-q", "-b", "feature"]);
    const head = await repository.commit(createModelChange("ada's"), "ada");
    repository.git(["checkout", "-q", "main"]);
    const after = mergeOnHost("feature", "bob");
    const by = ["github:ada", "github:ada"];
    const world = open({
      identities: logins,
      vouch: playGitHubHistory({
        updates: [{ before, after, by: "github:bob", pull: "#1" }],
        signed: { [after]: { by: "host" } },
        pulls: { "#1": { base: before, head, by } },
      }),
    });
    await world.promote(before);
    await world.push(before, after, "github:bob <bob@example.com>");
    const id = await world.ask(await world.deliver(after, "github:bob"));
    await world.expectRefused(id, "ada", "bob");
    expect((await world.vote(id, "sam")).result).toBe("decided");
  });

  test("does not hide earlier pushers", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("sam's"), "ada");
    await world.push(before, after, toEmail("sam"));
    const id = await world.ask(await world.deliver(after, toSsoArn("bob")));
    await world.expectRefused(id, "ada", "sam", "bob");
  });
});

describe("after a rollback", () => {
  /** Prod served Eve's version, then Ada's (pushed by Sam), and was rolled back to Eve's. */
  const rollBackToEve = async (world: World) => {
    const first = await promoteFirstVersion(world);
    const second = await repository.commit(createModelChange("ada's"), "ada");
    await world.push(first, second, toEmail("sam"));
    await world.promote(second);
    const { to } = await world.rollBack();
    expect(to.commit).toBe(first);
    return { first, second };
  };

  test("the authors of the rolled-back version are contributors of the next one, which has their commits", async () => {
    const world = open();
    const { second } = await rollBackToEve(world);
    const after = await repository.commit(createModelChange("bob's"), "bob");
    const id = await world.ask(await world.push(second, after, toEmail("bob")));
    await world.expectRefused(id, "ada", "sam", "bob");
    expect((await world.vote(id, "eve")).result).toBe("decided");
  });

  test("the authors of the rolled-back version may not approve it when it is delivered again", async () => {
    const world = open();
    const { second } = await rollBackToEve(world);
    const id = await world.ask(await world.deliver(second, toEmail("bob")));
    await world.expectRefused(id, "ada", "sam", "bob");
    expect((await world.vote(id, "eve")).result).toBe("decided");
  });

  test("a revert of that version has its author and the version's authors as contributors", async () => {
    const world = open();
    const { second } = await rollBackToEve(world);
    repository.git(["revert", "--no-edit", "HEAD"], repository.as("bob"));
    const id = await world.ask(await world.push(second, repository.head(), toEmail("bob")));
    await world.expectRefused(id, "ada", "sam", "bob");
  });
});

describe("the message", () => {
  test("names the approvers, the approvers without access, and the contributors, whatever the commit says", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    await repository.commit(createModelChange("ada's"), "ada");
    const after = await repository.commit(createModelChange("ada's and sam's"), "sam");
    await world.ask(await world.push(before, after, toEmail("sam")));
    expect(world.message()).toContain("Approvers: <@U0BOB>, <@U0EVE>.");
    expect(world.message()).toContain("No access (contributed to this change): <@U0ADA>, <@U0SAM>.");
    expect(world.message()).toContain("*Contributors*\\nada@example.com, sam@example.com");
    expect(world.message()).toContain("author (unverified): whoever");
  });

  test("leaves out an approver without an address in Slack, and says so", async () => {
    const world = open({ hidden: [slackIds.bob] });
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("ada's"), "ada");
    const id = await world.ask(await world.push(before, after, toEmail("ada")));
    expect((await world.vote(id, "bob", { email: undefined })).result).toBe("refused");
    expect(world.message()).toContain("Approvers: <@U0SAM>, <@U0EVE>.");
    expect(world.message()).toContain("No access (no e-mail address in Slack): <@U0BOB>.");
  });

  test("leaves out an approver whose address in Slack is not the organisation's, and says so", async () => {
    const world = open({ shown: { [slackIds.ada]: "ada.private@gmail.com" } });
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("ada's"), "ada");
    await world.ask(await world.push(before, after, toEmail("ada")));
    expect(world.message()).toContain("Approvers: <@U0BOB>, <@U0SAM>, <@U0EVE>.");
    expect(world.message()).toContain("No access (unknown e-mail address in Slack): <@U0ADA>.");
  });

  test("says how many more approvals are needed, in a line that earlier text cannot push out", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("x"), `${"x".repeat(150)}@elsewhere.example`);
    const id = await world.ask(await world.push(before, after, null));
    const more = (await world.quorum(id)) ?? 0;
    expect(world.message()).toMatch(
      new RegExp(
        `"[^"]*Not mapped to a person \\(${more - 1} extra approvals required\\)[^"]*elsewhere.example`,
      ),
    );
    expect(world.message()).not.toContain("Not measured");
  });

  test("does not say that more approvals are needed where authors may approve", async () => {
    const world = open({ platform: lenientPolicy });
    const alone = await repository.commit(
      {
        "policy.yaml": lenientPolicy,
        ...folder("churn"),
        "models/churn/model.yaml": yaml("churn", [slackIds.ada], true),
      },
      "ada",
    );
    await world.ask(await world.push(null, alone, null));
    expect(world.message()).toContain("Not mapped to a person (no extra approval required)");
    expect(world.message()).toContain("Approvers: <@U0ADA>.");
    expect(world.message()).not.toMatch(/\d extra approvals? required/);
  });
});

describe("an approver who changes their address in Slack", () => {
  const elsewhere = "ada.private@gmail.com";
  const ask = async (world: World) => {
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("ada's"), "ada");
    return world.ask(await world.push(before, after, toEmail("ada")));
  };

  test.each([
    ["the domains are configured", { domains: ["example.com"] }],
    ["people are listed", { people: { "bob@example.com": {} } }],
  ])("cannot approve their own change under a private address where %s", async (_, identities) => {
    const world = open({ identities, shown: { [slackIds.ada]: elsewhere } });
    const id = await ask(world);
    const voted = await world.vote(id, "ada", { email: elsewhere });
    expect(voted).toMatchObject({ result: "refused", why: expect.stringMatching(/slipway policy apply/) });
    expect((await world.vote(id, "bob")).result).toBe("decided");
  });

  test("cannot approve it after a change of address during the open approval", async () => {
    const world = open();
    const id = await ask(world);
    expect((await world.vote(id, "ada", { email: elsewhere })).result).toBe("refused");
  });

  test("does not become the author of commits of that domain", async () => {
    const world = open({
      identities: { people: { "bob@example.com": {} } },
      shown: { [slackIds.ada]: elsewhere },
    });
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("ada's"), "nobody@gmail.com");
    const id = await world.ask(await world.push(before, after, toEmail("sam")));
    expect(await world.quorum(id)).toBe(2);
  });

  test("does not count towards a quorum that the others cannot reach", async () => {
    const world = open({ shown: { [slackIds.ada]: elsewhere } });
    const alone = await repository.commit(folder("churn", [slackIds.ada]), "sam");
    await expect(world.start(await world.push(null, alone, toEmail("sam")))).rejects.toMatchObject({
      name: "QuorumOutOfReach",
      message: expect.stringContaining("U0ADA"),
    });
  });

  test("can still approve others' changes where the platform lists that address or their Slack id", async () => {
    const domains = ["example.com"];
    for (const person of [{ emails: [elsewhere] }, { slack: slackIds.ada }]) {
      const world = open({
        identities: { domains, people: { "ada@example.com": person } },
        shown: { [slackIds.ada]: elsewhere },
      });
      const approval = await ask(world);
      expect((await world.vote(approval, "ada", { email: elsewhere })).result).toBe("refused");
      const before = repository.head();
      await world.promote(before);
      const after = await repository.commit(createModelChange("sam's"), "sam");
      const second = await world.ask(await world.push(before, after, toEmail("sam")));
      expect((await world.vote(second, "ada", { email: elsewhere })).result).toBe("decided");
    }
  });
});

test("where neither people nor domains are configured nobody's address proves anything: the delivery ends with what to configure", async () => {
  const world = open({ identities: {} });
  const first = await repository.commit(folder("churn"), "sam");
  await expect(world.start(await world.push(null, first, toEmail("sam")))).rejects.toMatchObject({
    name: "QuorumOutOfReach",
    message: expect.stringMatching(/neither people nor domains.*slipway policy apply/),
  });
  const lenient = open({ identities: {}, platform: lenientPolicy });
  const alone = await repository.commit(
    {
      "policy.yaml": lenientPolicy,
      ...folder("churn"),
      "models/churn/model.yaml": yaml("churn", [slackIds.ada], true),
    },
    "ada",
  );
  const id = await lenient.ask(await lenient.push(null, alone, toEmail("ada")));
  expect((await lenient.vote(id, "ada")).result).toBe("decided");
});

describe("a team of one", () => {
  const only = (authorMayApprove: boolean) => ({
    ...folder("churn"),
    "models/churn/model.yaml": yaml("churn", [slackIds.ada], authorMayApprove),
  });

  test.each([
    ["their address", toEmail("ada")],
    ["an unknown person", null],
  ])(
    "approves its own change where the platform's copy says so and the commit repeats it, pushed as %s",
    async (_, pusher) => {
      const world = open({ platform: lenientPolicy });
      const first = await repository.commit({ "policy.yaml": lenientPolicy, ...only(true) }, "ada");
      const id = await world.ask(await world.push(null, first, pusher));
      expect(await world.quorum(id)).toBe(1);
      expect((await world.vote(id, "ada")).result).toBe("decided");
    },
  );

  test.each([
    ["the commit's policy.yaml alone", { platform: policy, committed: lenientPolicy, manifest: false }],
    ["the manifest alone", { platform: policy, committed: policy, manifest: true }],
    ["policy.yaml and the manifest alone", { platform: policy, committed: lenientPolicy, manifest: true }],
    ["the platform's copy alone", { platform: lenientPolicy, committed: lenientPolicy, manifest: false }],
    [
      "the platform's copy and the manifest, not policy.yaml",
      { platform: lenientPolicy, committed: policy, manifest: true },
    ],
  ])("cannot approve its own change where %s says so", async (_, { platform, committed, manifest }) => {
    const world = open({ platform });
    const alone = await repository.commit({ "policy.yaml": committed, ...only(manifest) }, "ada");
    await expect(world.start(await world.push(null, alone, toEmail("ada")))).rejects.toMatchObject({
      name: "QuorumOutOfReach",
    });
    const yamlOfAll = { "models/churn/model.yaml": yaml("churn", allSlackIds, manifest) };
    const after = await repository.commit(yamlOfAll, "ada");
    const id = await world.ask(await world.push(alone, after, toEmail("ada")));
    await world.expectRefused(id, "ada");
    expect((await world.vote(id, "bob")).result).toBe("decided");
  });

  test("cannot allow itself in the delivery that it would approve: the champion's manifest still forbids it", async () => {
    const world = open({ platform: lenientPolicy });
    const first = await repository.commit({ "policy.yaml": lenientPolicy, ...folder("churn") }, "eve");
    await world.push(null, first, toEmail("eve"));
    await world.promote(first);
    const allowing = { "models/churn/model.yaml": yaml("churn", allSlackIds, true) };
    const after = await repository.commit(allowing, "ada");
    const id = await world.ask(await world.push(first, after, toEmail("ada")));
    await world.expectRefused(id, "ada");
    expect((await world.vote(id, "bob")).result).toBe("decided");
  });
});

describe("a quorum out of reach", () => {
  test("ends the delivery at its start with a named error that lists the contributors", async () => {
    const world = open();
    const before = await repository.commit(
      { "policy.yaml": policy, ...folder("churn", [slackIds.ada]) },
      "ada",
    );
    const change = await world.push(null, before, toEmail("ada"));
    await expect(world.start(change)).rejects.toMatchObject({
      name: "QuorumOutOfReach",
      message: expect.stringMatching(/1 approval required, but only 0 of 1 approvers .* ada@example.com/),
    });
  });

  test("an approval that is requested again keeps its contributors", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("x"), "ada");
    const change = await world.push(before, after, toEmail("ada"));
    const id = await world.ask(change);
    const again = await world.ask({ ...change, pusher: toEmail("sam") });
    expect(again).toBe(id);
    await world.expectRefused(id, "ada", "sam");
  });
});

/** Adds GitHub's data that git does not have to a real repository's commits. */
const playGitHubHistory =
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
const logins = {
  people: Object.fromEntries(
    ["ada", "bob", "sam", "eve"].map((person) => [toEmail(person), { logins: [`github:${person}`] }]),
  ),
  bots: ["github:dependabot[bot]"],
};

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

/** GitHub's API over the repository, with GitHub's own records. */
const useGitHubServer = async <Result>(
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
const nullCommit = "0".repeat(40);
const createActivity = (ref: string, type: string, login: string, before: string, after: string) => ({
  ref: `refs/heads/${ref}`,
  activity_type: type,
  actor: { login },
  before,
  after,
  timestamp: "2026-01-01T00:00:00Z",
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

/** GitHub's record of a pull request that was merged on its pages. */
const pullRequest = (
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
const mergeOnHost = (branch: string, by: Person) => {
  repository.git(
    ["merge", "-q", "--no-ff", branch, "-m", `Merge ${branch}`],
    repository.as(by, "noreply@github.com"),
  );
  return repository.head();
};

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

describe("on CodeCommit", () => {
  const arn = (person: Person) => `arn:aws:iam::123456789012:user/${person}`;
  const users = {
    people: Object.fromEntries(
      (["ada", "bob", "sam", "eve"] as const).map((person) => [toEmail(person), { arns: [arn(person)] }]),
    ),
  };
  /** A host that sends an event for each push to any branch, and has no record of pushes. */
  const openCodeCommit = (identities: NonNullable<Parameters<typeof open>[0]>["identities"] = users) =>
    open({
      identities,
      vouch: (source) => ({
        ...source,
        history: async (...args) => ({ ...(await source.history(...args)), branches: "told" }),
      }),
    });
  /** A commit on `feature` in the name of `claims`, which Bob merges. */
  const mergeFeature = async (claims: Person, how = "--no-ff", main = how === "--no-ff") => {
    repository.git(["checkout", "-q", "-b", "feature"]);
    const head = await repository.commit(createModelChange("a change"), claims);
    repository.git(["checkout", "-q", "main"]);
    if (main) await repository.commit({ "README.md": "main went on" }, "bob");
    repository.git(["merge", "-q", how, "feature", ...(main ? ["-m", "Merge"] : [])], repository.as("bob"));
    return { head, after: repository.head() };
  };

  test.each(["--no-ff", "--ff-only"])(
    "Ada who pushes a commit in Sam's name to a branch may not approve it, merged by Bob with %s",
    async (how) => {
      const world = openCodeCommit();
      const before = await promoteFirstVersion(world);
      const { head, after } = await mergeFeature("sam", how);
      await world.pushBranch("feature", null, head, arn("ada"));
      const id = await world.ask(await world.push(before, after, arn("bob")));
      await world.expectRefused(id, "ada", "sam");
      expect(await world.quorum(id)).toBe(1);
      expect((await world.vote(id, "bob")).result).toBe("decided");
    },
  );

  test.each([
    ["a bot", { bots: [arn("ada")] }, 1],
    ["an unknown person", {}, 2],
  ] as const)(
    "Bob who merges what %s pushed to a branch may not approve it",
    async (_, identities, quorum) => {
      const people = Object.fromEntries(
        (["bob", "sam", "eve"] as const).map((person) => [toEmail(person), { arns: [arn(person)] }]),
      );
      const world = openCodeCommit({ people, ...identities });
      const before = await promoteFirstVersion(world);
      const { head, after } = await mergeFeature("sam");
      await world.pushBranch("feature", null, head, arn("ada"));
      const id = await world.ask(await world.push(before, after, arn("bob")));
      await world.expectRefused(id, "bob", "sam");
      expect(await world.quorum(id)).toBe(quorum);
    },
  );

  test("a team of two may approve a branch that began at main's commit, after main moves forward to it", async () => {
    const world = openCodeCommit();
    const before = await promoteFirstVersion(world);
    await repository.commit(createModelChange("ada's"), "ada");
    const after = repository.head();
    await world.pushBranch("feature", null, before, arn("ada"));
    world.world.time.now += 1_000;
    await world.pushBranch("feature", before, after, arn("ada"));
    world.world.time.now += 1_000;
    const id = await world.ask(await world.push(before, after, arn("bob")));
    await world.expectRefused(id, "ada");
    expect((await world.vote(id, "bob")).result).toBe("decided");
  });

  test("Bob who resolves a conflict in his merge has made a change", async () => {
    const world = openCodeCommit();
    const before = await promoteFirstVersion(world);
    const { head } = await mergeFeature("sam");
    await world.pushBranch("feature", null, head, arn("ada"));
    for (const [path, content] of Object.entries(createModelChange("by hand")))
      await repository.write(path, content);
    repository.git(["commit", "-q", "--all", "--amend", "--no-edit"], repository.as("bob"));
    const id = await world.ask(await world.push(before, repository.head(), arn("bob")));
    await world.expectRefused(id, "ada", "bob", "sam");
    expect((await world.vote(id, "eve")).result).toBe("decided");
  });

  test("Bob who merges his own branch, pushed in Sam's name, has pushed it", async () => {
    const world = openCodeCommit();
    const before = await promoteFirstVersion(world);
    const { head, after } = await mergeFeature("sam");
    await world.pushBranch("feature", null, head, arn("bob"));
    const id = await world.ask(await world.push(before, after, arn("bob")));
    await world.expectRefused(id, "bob", "sam");
    expect((await world.vote(id, "eve")).result).toBe("decided");
  });

  test("a person who makes another branch of Ada's commit or of main later is not its pusher", async () => {
    const world = openCodeCommit();
    const before = await promoteFirstVersion(world);
    const { head, after } = await mergeFeature("sam");
    await world.pushBranch("feature", null, head, arn("ada"));
    world.world.time.now += 1_000;
    await world.pushBranch("other", null, head, arn("eve"));
    const change = await world.push(before, after, arn("bob"));
    world.world.time.now += 1_000;
    await world.pushBranch("late", null, after, arn("eve"));
    const id = await world.ask(change);
    await world.expectRefused(id, "ada", "sam");
    expect((await world.vote(id, "eve")).result).toBe("decided");
  });

  test("merged commits without a recorded push need one more approval, however many they are", async () => {
    const world = openCodeCommit();
    const before = await promoteFirstVersion(world);
    repository.git(["checkout", "-q", "-b", "feature"]);
    await repository.commit(createModelChange("1"), "sam");
    await repository.commit(createModelChange("2"), "sam");
    repository.git(["checkout", "-q", "main"]);
    repository.git(["merge", "-q", "--no-ff", "feature", "-m", "Merge"], repository.as("bob"));
    const id = await world.ask(await world.push(before, repository.head(), arn("bob")));
    expect((await world.contributors(id))?.unmapped).toMatchObject([
      { identity: expect.stringMatching(/^whoever pushed .* and 1 more commit$/) },
    ]);
    expect(await world.quorum(id)).toBe(2);
    expect((await world.vote(id, "ada")).result).toBe("counted");
  });

  test.each(["ada", "bob"] as const)(
    "a team of two: Ada pushes a branch, %s merges it, Bob approves",
    async (merger) => {
      const world = openCodeCommit();
      const before = await promoteFirstVersion(world);
      repository.git(["checkout", "-q", "-b", "feature"]);
      const head = await repository.commit(createModelChange("ada's"), "ada");
      await world.pushBranch("feature", null, head, arn("ada"));
      repository.git(["checkout", "-q", "main"]);
      repository.git(["merge", "-q", "--no-ff", "feature", "-m", "Merge"], repository.as(merger));
      const id = await world.ask(await world.push(before, repository.head(), arn(merger)));
      await world.expectRefused(id, "ada");
      expect(await world.quorum(id)).toBe(1);
      expect((await world.vote(id, "bob")).result).toBe("decided");
    },
  );

  test("Ada who pushes a commit in Sam's name as a tag may not approve it where Eve makes a branch of it", async () => {
    const world = openCodeCommit();
    const before = await promoteFirstVersion(world);
    const { head, after } = await mergeFeature("sam");
    await world.pushBranch("try-out", null, head, arn("ada"), "tag");
    world.world.time.now += 1_000;
    await world.pushBranch("feature", null, head, arn("eve"));
    const id = await world.ask(await world.push(before, after, arn("bob")));
    await world.expectRefused(id, "ada", "sam");
    expect(await world.quorum(id)).toBe(1);
    expect((await world.vote(id, "bob")).result).toBe("decided");
  });

  test("a push of one's own commits to main needs no other record", async () => {
    const world = openCodeCommit();
    const before = await promoteFirstVersion(world);
    await repository.commit(createModelChange("1"), "ada");
    const after = await repository.commit(createModelChange("2"), "ada");
    const id = await world.ask(await world.push(before, after, arn("ada")));
    await world.expectRefused(id, "ada");
    expect(await world.quorum(id)).toBe(1);
  });
});

test("CodeCommit's caller is recorded as a full ARN, because a session's name proves nothing", () => {
  const callerUserArn = "arn:aws:sts::123456789012:assumed-role/DataScience/bob@example.com";
  const detail = {
    event: "referenceUpdated",
    repositoryName: "models",
    referenceType: "branch",
    referenceName: "main",
    oldCommitId: "a".repeat(40),
    commitId: "b".repeat(40),
    callerUserArn,
  };
  expect(parseCodeCommitPush({ source: "aws.codecommit", detail })?.pusher).toBe(callerUserArn);
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
      const before = repository;
      repository = await createRepository();
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
        const id = await world.ask(last).catch((error: unknown) => {
          if (error instanceof Error && error.name === "QuorumOutOfReach") return undefined;
          throw error;
        });
        if (id === undefined) return;
        for (const maker of makers) expect((await world.vote(id, maker)).result).toBe("refused");
      } finally {
        world.close();
        await repository.remove();
        repository = before;
      }
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
      const outer = repository;
      repository = await createRepository();
      try {
        const firstCommit = await repository.commit({ "policy.yaml": policy, ...folder("churn") }, "eve");
        const { record, makers, pushed } = await playOnGitHub(actions);
        await useGitHubServer(record, async (vouch) => {
          const world = createWorld(repository, { identities: logins, vouch });
          try {
            await world.promote(firstCommit);
            if (!pushed) throw new Error("the last action pushes");
            const { before, after, by } = pushed;
            const change = await world.push(before, after, `github:${by} <${toEmail(by)}>`);
            const id = await world.ask(change).catch((error: unknown) => {
              if (error instanceof Error && error.name === "QuorumOutOfReach") return undefined;
              throw error;
            });
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
      } finally {
        await repository.remove();
        repository = outer;
      }
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
      const before = repository;
      repository = await createRepository();
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
        const id = await world.ask(last).catch((error: unknown) => {
          if (error instanceof Error && error.name === "QuorumOutOfReach") return undefined;
          throw error;
        });
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
        await repository.remove();
        repository = before;
      }
    }),
    { numRuns: 10 },
  );
}, 600_000);
