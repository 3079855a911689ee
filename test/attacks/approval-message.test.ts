import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type FollowUp, finishApproval } from "#domain/approval/finish-approval.ts";
import { rollBackProd } from "#domain/rollback/roll-back-prod.ts";
import { answerApproval } from "#lambdas/answer-approval/answer-approval.ts";
import { claimEnvironment } from "#lambdas/claim-environment/claim-environment.ts";
import { deployModel } from "#lambdas/deploy-model/deploy-model.ts";
import { judgeCanary } from "#lambdas/judge-canary/judge-canary.ts";
import { promoteModel } from "#lambdas/promote-model/promote-model.ts";
import { reportOutcome } from "#lambdas/report-outcome/report-outcome.ts";
import { requestApproval } from "#lambdas/request-approval/request-approval.ts";
import { rollBack } from "#lambdas/roll-back/roll-back.ts";
import { shiftTraffic } from "#lambdas/shift-traffic/shift-traffic.ts";
import { sweepDeliveries } from "#lambdas/sweep-deliveries/sweep-deliveries.ts";
import { renderMessageBlocks } from "#slack/message-blocks.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { fakeCommit, fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { signSlackRequest } from "#worlds/embedded/desk/sign-slack-request.ts";
import { localDefinition } from "#worlds/embedded/engine/engine.ts";

/** No contributors: contributors.test.ts covers them. */
const noContributors = {
  approversFor: async ({
    rule,
  }: {
    readonly rule: { readonly quorum: number; readonly approvers: readonly string[] };
  }) => ({
    approvers: rule.approvers,
    quorum: rule.quorum,
    contributors: { people: [], addresses: [], unmapped: [], approvers: [], leftOut: [] },
  }),
  assertApprovable: async () => undefined,
};
const createWorld = () => ({ ...createMemoryWorld(), ...noContributors });

let world: ReturnType<typeof createWorld>;
let views: unknown[];
beforeEach(() => {
  world = createWorld();
  views = [];
});
afterEach(() => world.close());

const delivery = "delivery-n";
const approver = "U024BE7LH";
const ok = { ok: true } as const;

/** A delivery that serves stage and has requested its approval. */
const requestDecision = async (changes: Record<string, unknown> = {}) => {
  const commit = world.commit("c");
  const { fence } = await claimEnvironment(world)({
    delivery,
    model: toyModel,
    commit,
    environment: "stage",
    pusher: null,
    requestedAt: world.time.now,
  }).then((claim) => (claim.status === "granted" ? claim : Promise.reject(new Error(claim.status))));
  world.engine.executions.set(delivery, {
    name: delivery,
    status: "RUNNING",
    input: { model: toyModel, commit },
    startedAt: new Date(world.time.now).toISOString(),
  });
  const baseline = (await world.ledger.serving("prod", toyModel))?.sequence ?? 0;
  const input = {
    delivery,
    model: toyModel,
    commit,
    taskToken: "the-task-token",
    fence,
    digest: fakeDigest("c"),
    version: 3,
    author: { name: "Sam", email: "sam@example.com" },
    pusher: null,
    baseline,
    scanChecks: [],
    checks: [],
    omitted: [],
    timeoutSeconds: 86_400,
    provenance: null,
    ...changes,
  };
  world.engine.waiting.add(input.taskToken);
  await requestApproval(world)(input);
  const approval = (await world.approvals.open(toyModel)).find((each) => each.delivery === delivery);
  return { input, commit, fence, baseline, id: approval?.id ?? "" };
};

/** Answers Slack's callback, then runs what it has left to an asynchronous invocation. Throws the errors of both. */
const postToSlack = async (payload: object) => {
  const followUps: FollowUp[] = [];
  const body = `payload=${encodeURIComponent(
    JSON.stringify({ ...payload, team: { id: "T1" }, api_app_id: "A1", trigger_id: "trigger" }),
  )}`;
  const at = Math.floor(world.time.now / 1_000);
  const response = await answerApproval({
    ...world,
    slack: {
      views: {
        open: async (view) => {
          views.push(view);
          return ok;
        },
      },
    },
    startFollowUp: async (followUp) => void followUps.push(followUp),
    signingSecrets: async () => ["secret"],
    teamId: "T1",
    appId: "A1",
  })({
    rawBody: Buffer.from(body),
    headers: {
      "x-slack-request-timestamp": String(at),
      "x-slack-signature": signSlackRequest("secret", at, body),
    },
  });
  for (const followUp of followUps) await finishApproval(world)(followUp);
  return response;
};
/** Takes prod's claim for this delivery; returns the fence. */
const claimProd = async (): Promise<number> => {
  const grant = await world.claims.take(
    { environment: "prod", model: toyModel, delivery, requestedAt: 1, now: 1 },
    "free",
  );
  return grant.status === "granted" ? grant.fence : 0;
};
const click = (id: string, action: "approve" | "reject", user = approver) =>
  postToSlack({
    type: "block_actions",
    user: { id: user, name: user },
    channel: { id: "C0DELIVERY" },
    actions: [{ action_id: action, value: id }],
  });
const submit = (id: string, reason: string, user = approver) =>
  postToSlack({
    type: "view_submission",
    user: { id: user, name: user },
    view: {
      callback_id: "reject-reason",
      private_metadata: id,
      state: { values: { reason: { reason: { value: reason } } } },
    },
  });
const sweep = () =>
  sweepDeliveries({
    ...world,
    rollBack: rollBack(world),
    moveChampion: async () => ({ champion: 1, previous: null }),
    reportOutcome: reportOutcome(world),
  })({});
/** The delivery's message in Slack. */
const readShownMessage = () => {
  const state = [...world.slack.shown.values()].find((each) => each.delivery === delivery);
  if (!state) throw new Error("the delivery has a message");
  const { text, blocks } = renderMessageBlocks(state, undefined);
  return { question: state.question?.status, text, all: JSON.stringify(blocks) };
};

test("a crash between a vote and the sending of its decision leaves no buttons behind", async () => {
  const { id } = await requestDecision();
  const { succeed } = world.deliveries;
  world.deliveries.succeed = () => Promise.reject(new Error("killed"));
  await expect(click(id, "approve")).rejects.toThrow("killed");
  world.deliveries.succeed = succeed;
  world.time.now += 60_000;
  await sweep();
  expect(world.engine.answers).toMatchObject([{ output: { status: "approved" } }]);
  expect(readShownMessage().question).toBe("approved");
});

test("an approval that is requested again while a click arrives never shows buttons next to a decision", async () => {
  const { id, input } = await requestDecision();
  const { read } = world.claims;
  // The click arrives after the approval is stored and before it is shown.
  const claims: MemoryWorld["claims"] = {
    ...world.claims,
    read: async (...of) => {
      await click(id, "approve");
      return read(...of);
    },
  };
  await requestApproval({ ...world, claims })(input);
  expect(readShownMessage().question).toBe("approved");
});

describe("when prod changes while an approval is open", () => {
  test("the delivery returns to VerifyStage, because its checks compare with the previous champion", () => {
    const { Choices } = localDefinition.States.IsProdClaimed;
    expect(Choices).toContainEqual(expect.objectContaining({ StringEquals: "stale", Next: "VerifyStage" }));
  });

  test("no approval shows checks against the previous champion", async () => {
    await promoteVersion(world, "a", 1);
    await expect(requestDecision({ baseline: 0 })).rejects.toMatchObject({ name: "ProdChanged" });
    expect(await world.approvals.open(toyModel)).toEqual([]);
  });

  test("the new approval says so, and the previous one accepts no decision", async () => {
    await promoteVersion(world, "a", 1);
    const first = await requestDecision();
    await promoteVersion(world, "b", 2);
    const { fence } = first;
    const stage = await world.claims.take(
      { environment: "stage", model: toyModel, delivery, requestedAt: world.time.now, now: world.time.now },
      "force",
    );
    world.engine.waiting.add("newer");
    await requestApproval(world)({
      ...first.input,
      fence: stage.status === "granted" ? stage.fence : fence,
      baseline: 2,
      taskToken: "newer",
    });
    expect(readShownMessage().all).toContain("Approval requested again");
    expect(readShownMessage().all).toContain("version 1");
    expect(readShownMessage().all).toContain("version 2");
    await click(first.id, "approve");
    expect(world.engine.answers).toEqual([]);
    expect(world.notes).toHaveLength(1);
  });

  test("again and again, the delivery ends", async () => {
    const { input } = await requestDecision();
    let attempt = 1;
    await expect(
      (async () => {
        for (; attempt < 50; attempt++) {
          await promoteVersion(world, "0123456789"[attempt] ?? "a", attempt);
          const { fence } = (await world.claims.read("stage", toyModel)) ?? { fence: 0 };
          const serving = await world.ledger.serving("prod", toyModel);
          await requestApproval(world)({ ...input, fence, baseline: serving?.sequence ?? 0 });
        }
      })(),
    ).rejects.toMatchObject({ name: expect.stringMatching(/ProdBusy/) });
    expect(attempt).toBeLessThan(10);
  });
});

/** ClaimProd for the approved delivery; `changes` replace parts of the state data. */
const claimProdForApproval = (
  { id, commit, fence, baseline }: Awaited<ReturnType<typeof requestDecision>>,
  changes: Partial<{ commit: string; baseline: number; digest: string; version: number }> = {},
) =>
  claimEnvironment(world)({
    delivery,
    model: toyModel,
    commit,
    environment: "prod",
    requestedAt: 1,
    stageFence: fence,
    baseline,
    approvedAt: world.time.now,
    approval: id,
    digest: fakeDigest("c"),
    version: 3,
    ...changes,
  });

describe("a decision about one image", () => {
  test("claims prod for that image and version alone, and only after the decision", async () => {
    const request = await requestDecision();
    const claim = (digest: string, version: number, changes: { commit?: string } = {}) =>
      claimProdForApproval(request, { digest, version, ...changes });
    const mismatch = { name: "ApprovalMismatch" };
    await expect(claim(fakeDigest("c"), 3)).rejects.toMatchObject(mismatch);
    await click(request.id, "approve");
    await expect(claim(fakeDigest("d"), 3)).rejects.toMatchObject(mismatch);
    await expect(claim(fakeDigest("c"), 4)).rejects.toMatchObject(mismatch);
    await expect(claim(fakeDigest("c"), 3, { commit: world.commit("d") })).rejects.toMatchObject(mismatch);
    expect(await world.claims.read("prod", toyModel)).toBeUndefined();
    expect((await claim(fakeDigest("c"), 3)).status).toBe("granted");
  });

  test("claims prod over its own baseline alone, whatever the state data says", async () => {
    const request = await requestDecision();
    await click(request.id, "approve");
    await promoteVersion(world, "a", 1);
    const baseline = (await world.ledger.serving("prod", toyModel))?.sequence ?? 0;
    const claim = claimProdForApproval(request, { baseline });
    await expect(claim).rejects.toMatchObject({ name: "ApprovalMismatch" });
    expect((await world.claims.read("prod", toyModel))?.holder).not.toBe(delivery);
  });

  test("deploys and promotes that image alone", async () => {
    const { id, commit } = await requestDecision();
    await click(id, "approve");
    const fence = await claimProd();
    const environment = "prod" as const;
    const subject = { delivery, model: toyModel, commit, environment, fence, approval: id };
    const mismatch = { name: "ApprovalMismatch" };
    const deploy = (letter: string, changes: object = {}) =>
      deployModel(world)({ ...subject, digest: fakeDigest(letter), version: 3, ...changes });
    await expect(deploy("d")).rejects.toMatchObject(mismatch);
    await expect(deploy("c", { commit: world.commit("d") })).rejects.toMatchObject(mismatch);
    const { functionVersion } = await deploy("c");
    const promote = (letter: string, changes: object = {}) =>
      promoteModel(world)({
        ...subject,
        stageFence: 1,
        functionVersion,
        approvedBy: [],
        digest: fakeDigest(letter),
        version: 3,
        ...changes,
      });
    await expect(promote("d")).rejects.toMatchObject(mismatch);
    await expect(promote("c", { commit: fakeCommit("d") })).rejects.toMatchObject(mismatch);
    expect(await world.ledger.serving("prod", toyModel)).toBeUndefined();
  });

  test("deploys and promotes only over the version that the checks were measured against", async () => {
    const { id, commit } = await requestDecision();
    await click(id, "approve");
    await promoteVersion(world, "a", 1);
    const fence = await claimProd();
    const subject = {
      delivery,
      model: toyModel,
      commit,
      fence,
      approval: id,
      digest: fakeDigest("c"),
      version: 3,
    };
    const mismatch = { name: "ApprovalMismatch" };
    await expect(deployModel(world)({ ...subject, environment: "prod" })).rejects.toMatchObject(mismatch);
    await world.ledger.begin(
      {
        environment: "prod",
        ...subject,
        functionVersion: "2",
        previous: (await world.ledger.serving("prod", toyModel))?.sequence ?? 0,
        reason: null,
      },
      world.time.now,
    );
    const promote = promoteModel(world)({ ...subject, stageFence: 1, functionVersion: "2", approvedBy: [] });
    await expect(promote).rejects.toMatchObject(mismatch);
    expect((await world.ledger.serving("prod", toyModel))?.digest).toBe(fakeDigest("a"));
  });
});

describe("the ledger decides what serves prod, whatever the state data says", () => {
  const mismatch = { name: "ApprovalMismatch" };
  /** Version 3 is approved and deployed on prod over version 2; version 1 is still published. */
  const deployApproved = async () => {
    await promoteVersion(world, "a", 1);
    await promoteVersion(world, "b", 2);
    const { id, commit, fence: stageFence } = await requestDecision();
    await click(id, "approve");
    const fence = await claimProd();
    const subject = {
      delivery,
      model: toyModel,
      commit,
      fence,
      digest: fakeDigest("c"),
      version: 3,
      approval: id,
    };
    const { functionVersion, championVersion } = await deployModel(world)({
      ...subject,
      environment: "prod",
    });
    return {
      ...subject,
      stageFence,
      functionVersion,
      championVersion: championVersion ?? "",
      approvedBy: [],
    };
  };
  const live = async () => {
    const alias = await world.serving.prod.live(toyModel);
    return [alias?.version, alias?.canary?.version];
  };

  test("another function version is not promoted", async () => {
    const input = await deployApproved();
    expect([input.functionVersion, input.championVersion]).toEqual(["3", "2"]);
    await expect(promoteModel(world)({ ...input, functionVersion: "1" })).rejects.toMatchObject(mismatch);
    expect(await live()).toEqual(["2", undefined]);
    await promoteModel(world)(input);
    expect(await live()).toEqual(["3", undefined]);
  });

  test("no canary sends traffic to another function version, as challenger or as champion", async () => {
    const input = await deployApproved();
    for (const changes of [{ functionVersion: "1" }, { championVersion: "1" }, { championVersion: "3" }])
      await expect(shiftTraffic(world)({ ...input, ...changes, step: 0 })).rejects.toMatchObject(mismatch);
    expect(await live()).toEqual(["2", undefined]);
    await shiftTraffic(world)({ ...input, step: 0 });
    expect(await live()).toEqual(["2", "3"]);
  });

  test("no canary is judged by the metrics of another function version", async () => {
    const input = await deployApproved();
    const { since } = await shiftTraffic(world)({ ...input, step: 0 });
    for (const changes of [{ functionVersion: "1" }, { championVersion: "1" }])
      await expect(judgeCanary(world)({ ...input, ...changes, step: 0, since })).rejects.toMatchObject(
        mismatch,
      );
    expect((await judgeCanary(world)({ ...input, step: 0, since })).error).toBeNull();
  });

  test("the approvers are those of the decision", async () => {
    const input = await deployApproved();
    const forged = [{ user: "U0FORGED", name: "Ada", at: "2026-11-21T12:00:00.000Z" }];
    await promoteModel(world)({ ...input, approvedBy: forged });
    expect((await world.ledger.serving("prod", toyModel))?.approvedBy).toEqual([approver]);
  });
});

test("only an approval leads to prod, never a default", () => {
  const { Choices, Default } = localDefinition.States.IsApproved;
  expect(Choices).toContainEqual(expect.objectContaining({ StringEquals: "approved", Next: "ClaimProd" }));
  expect(Default).not.toBe("ClaimProd");
});

describe("the message of a person's rollback says what the rollback did", () => {
  const startApprovedCanary = async () => {
    await promoteVersion(world, "a", 1);
    await promoteVersion(world, "b", 2);
    const { id, commit, fence: stageFence, baseline } = await requestDecision();
    await click(id, "approve");
    const artefact = { digest: fakeDigest("c"), version: 3, approval: id };
    const subject = { delivery, model: toyModel, commit };
    const claim = await claimEnvironment(world)({
      ...subject,
      ...artefact,
      environment: "prod",
      requestedAt: 1,
      stageFence,
      baseline,
      approvedAt: world.time.now,
    });
    const fence = claim.status === "granted" ? claim.fence : 0;
    const deployed = await deployModel(world)({ ...subject, ...artefact, environment: "prod", fence });
    const { functionVersion, championVersion } = deployed;
    await shiftTraffic(world)({
      ...subject,
      fence,
      functionVersion,
      championVersion: championVersion ?? "",
      step: 0,
    });
    return { ...subject, ...artefact, fence, stageFence, functionVersion };
  };
  const back = () => rollBackProd(world)({ model: toyModel, id: "rollback-1", by: "ada: wrong answers" });

  test("where it ended a canary", async () => {
    const { commit } = await startApprovedCanary();
    await back();
    expect(readShownMessage().all).toContain("ada: wrong answers");
    await rollBack(world)({ delivery, model: toyModel, commit, error: null });
    await reportOutcome(world)({ delivery, model: toyModel, commit, outcome: "superseded", error: null });
    expect(readShownMessage().text).toBe("toy v3: rolled back by ada");
    expect(readShownMessage().all).toContain("ada: wrong answers");
  });

  test("where it reverted a promoted version", async () => {
    const input = await startApprovedCanary();
    await promoteModel(world)({ ...input, approvedBy: [] });
    await reportOutcome(world)({
      delivery,
      model: toyModel,
      commit: input.commit,
      outcome: "promoted",
      error: null,
    });
    expect(readShownMessage().text).toBe("toy v3 serves prod");
    await back();
    expect(readShownMessage().text).toBe("toy v3: rolled back by ada");
    expect(readShownMessage().all).toContain("ada: wrong answers");
  });
});

test("the message of a replaced version does not say that it serves prod", async () => {
  const { id, commit } = await requestDecision();
  await click(id, "approve");
  const fence = await claimProd();
  const input = {
    delivery,
    model: toyModel,
    commit,
    fence,
    digest: fakeDigest("c"),
    version: 3,
    approval: id,
  };
  const { functionVersion } = await deployModel(world)({ ...input, environment: "prod" });
  await promoteModel(world)({ ...input, stageFence: 1, functionVersion, approvedBy: [] });
  await reportOutcome(world)({ delivery, model: toyModel, commit, outcome: "promoted", error: null });
  await promoteVersion(world, "d", 4);
  await world.messages.expect(delivery);
  await sweep();
  expect(readShownMessage().text).not.toContain("serves prod");
});

describe("the task token", () => {
  const countTokens = () =>
    world.database
      .prepare("SELECT value FROM items")
      .all()
      .filter(({ value }) => String(value).includes("the-task-token")).length;

  test.each<[string, (id: string) => Promise<unknown>]>([
    ["the decision was sent", (id) => click(id, "approve")],
    [
      "the approval was withdrawn",
      (id) => world.approvals.withdraw(id, { name: "Superseded", cause: "later" }),
    ],
    ["the delivery ended without a decision", (id) => world.approvals.close(id, "the delivery has ended")],
  ])("is deleted once %s", async (_, use) => {
    const { id } = await requestDecision();
    expect(countTokens()).toBe(1);
    await use(id);
    expect(countTokens()).toBe(0);
  });
});

describe("a dialog", () => {
  test("opens for approvers alone; others get a refusal", async () => {
    const { id } = await requestDecision();
    await click(id, "reject", "U0OUTSIDE");
    await click(id, "reject", approver);
    expect(views).toHaveLength(1);
    expect(world.notes).toHaveLength(1);
  });

  test("does not open after the decision", async () => {
    const { id } = await requestDecision();
    await click(id, "approve");
    await click(id, "reject");
    expect(views).toEqual([]);
    expect(world.notes).toHaveLength(1);
  });
});

describe("a reason", () => {
  test.each([
    ["zero-width", "\u200b\u200d\ufeff"],
    ["Hangul fillers", "\u3164\u115f\uffa0"],
    ["a Braille blank", "\u2800"],
    ["blanks of Egyptian hieroglyphs", "\u{13441}\u{13442}"],
    ["marks that combine with nothing", "\u0301\u0308"],
    ["directions and tags", "\u202e\u2066\u{e0041}"],
  ])("of invisible characters (%s) is refused", async (_, reason) => {
    const { id } = await requestDecision();
    const { body } = await submit(id, reason);
    expect(body).toContain("errors");
    expect(world.engine.answers).toEqual([]);
  });

  test("that is too long is refused, never truncated", async () => {
    const { id } = await requestDecision();
    expect((await submit(id, "😀".repeat(1_001))).body).toContain("errors");
    const whole = `${"x".repeat(1_990)} the end`;
    expect((await submit(id, whole)).body).toBe("");
    expect(readShownMessage().all).toContain("the end");
  });
});
