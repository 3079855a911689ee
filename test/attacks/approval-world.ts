/** A Git repository with people who commit, push and approve, and the steps that decide about approvals. */
import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect } from "vitest";
import { deriveApprovalId } from "#domain/approval/approval-records.ts";
import type { Vote } from "#domain/approval/approvals.ts";
import { assertApprovable } from "#domain/approval/assert-approvable.ts";
import { Identities } from "#domain/approval/identities.ts";
import { resolveApprovers } from "#domain/approval/resolve-approvers.ts";
import { rollBackProd } from "#domain/rollback/roll-back-prod.ts";
import { requestApproval } from "#lambdas/request-approval/request-approval.ts";
import { createPushEventHandler } from "#lambdas/start-delivery/push-handler.ts";
import { startDelivery } from "#lambdas/start-delivery/start-delivery.ts";
import { createGitSource } from "#platform/source/git.ts";
import type { CommitHistory, Source } from "#platform/source/source.ts";
import { renderMessageBlocks } from "#slack/message-blocks.ts";
import { DeliveryInput } from "#statemachine/contracts.ts";
import { gitEnvironment } from "#test/support/git-repository.ts";
import { createMemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { buildModelYaml, fakeDigest, policyYaml } from "#test/support/toy-model.ts";

export type Person = "ada" | "bob" | "sam" | "eve";

export const slackIds: Readonly<Record<Person, string>> = {
  ada: "U0ADA",
  bob: "U0BOB",
  sam: "U0SAM",
  eve: "U0EVE",
};

export const toEmail = (person: string) => `${person}@example.com`;

export const allSlackIds = Object.values(slackIds);

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

export const yaml = (name: string, approvers: readonly string[], authorMayApprove = false) =>
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

export const folder = (name: string, approvers: readonly string[] = allSlackIds) => ({
  [`models/${name}/model.yaml`]: yaml(name, approvers),
  [`models/${name}/model.onnx`]: `onnx of ${name}`,
  [`models/${name}/golden.json`]: golden,
  [`models/${name}/holdout.csv`]: "x,label\n1,yes\n2,no\n",
});

export const policy = policyYaml.replace("[U024BE7LH, U0SECOND1]", `[${allSlackIds.join(", ")}]`);

export const lenientPolicy = policy.replace("authorMayApprove: false", "authorMayApprove: true");

/** The steps that decide who may approve, on a real repository, without stubs between push and vote. */
export const createWorld = (
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

export type World = ReturnType<typeof createWorld>;

export let repository: Repository;

let worlds: World[] = [];

/** Gives each test of a file a new repository, and closes its worlds afterwards. */
export const useRepository = (): void => {
  beforeEach(async () => {
    repository = await createRepository();
    worlds = [];
  });
  afterEach(async () => {
    for (const world of worlds) world.close();
    await repository.remove();
  });
};

/** Runs with another new repository instead of the test's, for one run of a property. */
export const withNewRepository = async (run: () => Promise<void>): Promise<void> => {
  const outer = repository;
  repository = await createRepository();
  try {
    await run();
  } finally {
    await repository.remove();
    repository = outer;
  }
};

export const open = (options?: Parameters<typeof createWorld>[1]) => {
  const world = createWorld(repository, options);
  worlds.push(world);
  return world;
};

/** Prod serves Eve's first version; main continues from it. */
export const promoteFirstVersion = async (world: World, model = "churn") => {
  const first = await repository.commit({ "policy.yaml": policy, ...folder(model) }, "eve");
  await world.push(null, first, toEmail("eve"), model);
  await world.promote(first, model);
  return first;
};

export const createModelChange = (text: string) => ({ "models/churn/model.onnx": text });
