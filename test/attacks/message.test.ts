import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { rollback } from "#domain/rollback/rollback.ts";
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
import { messageBlocks } from "#slack/message-blocks.ts";
import { commitOf, digestOf, model, type StepWorld, serve, stepWorld } from "#test/support/step-world.ts";
import { signSlackRequest } from "#worlds/embedded/desk/sign.ts";
import { localDefinition } from "#worlds/embedded/engine/engine.ts";

/** Nobody made a part of the change: who did is played through in contributors.test.ts. */
const nobody = {
  approversFor: async ({ rule }: { readonly rule: { readonly quorum: number } }) => ({
    quorum: rule.quorum,
    contributors: { people: [], addresses: [], unmapped: [], approvers: [], leftOut: [] },
  }),
  assertApprovable: async () => undefined,
};
const openWorld = () => ({ ...stepWorld(), ...nobody });

let world: ReturnType<typeof openWorld>;
let views: unknown[];
let whispers: string[];
beforeEach(() => {
  world = openWorld();
  views = [];
  whispers = [];
});
afterEach(() => world.close());

const delivery = "delivery-n";
const approver = "U024BE7LH";
const ok = { ok: true } as const;

/** A delivery whose model stands on stage, and who has asked. */
const ask = async (changes: Record<string, unknown> = {}) => {
  const commit = world.commit("c");
  const { fence } = await claimEnvironment(world)({
    delivery,
    model,
    commit,
    environment: "stage",
    pusher: null,
    requestedAt: world.time.now,
  }).then((claim) => (claim.status === "granted" ? claim : Promise.reject(new Error(claim.status))));
  world.engine.executions.set(delivery, {
    name: delivery,
    status: "RUNNING",
    input: { model, commit },
    startedAt: new Date(world.time.now).toISOString(),
  });
  const baseline = (await world.ledger.serving("prod", model))?.sequence ?? 0;
  const input = {
    delivery,
    model,
    commit,
    taskToken: "the-task-token",
    fence,
    digest: digestOf("c"),
    version: 3,
    author: { name: "Sam", email: "sam@example.com" },
    pusher: null,
    baseline,
    scanChecks: [],
    checks: [],
    omitted: [],
    timeoutSeconds: 86_400,
    ...changes,
  };
  world.engine.waiting.add(input.taskToken);
  await requestApproval(world)(input);
  const approval = (await world.approvals.open(model)).find((each) => each.delivery === delivery);
  return { input, commit, fence, baseline, id: approval?.id ?? "" };
};

const post = async (payload: object) => {
  const body = `payload=${encodeURIComponent(
    JSON.stringify({ ...payload, team: { id: "T1" }, api_app_id: "A1", trigger_id: "trigger" }),
  )}`;
  const at = Math.floor(world.time.now / 1_000);
  return answerApproval({
    ...world,
    slack: {
      views: {
        open: async (view) => {
          views.push(view);
          return ok;
        },
      },
      users: {
        info: async ({ user } = { user: "" }) => ({
          ...ok,
          user: { profile: { email: `${user}@example.com` } },
        }),
      },
      chat: {
        postEphemeral: async (whisper) => {
          whispers.push(JSON.stringify(whisper));
          return ok;
        },
      },
    },
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
};
/** Takes prod's claim as this delivery; gives its fence. */
const claimProd = async (): Promise<number> => {
  const grant = await world.claims.take(
    { environment: "prod", model, delivery, requestedAt: 1, now: 1 },
    "free",
  );
  return grant.status === "granted" ? grant.fence : 0;
};
const click = (id: string, action: "approve" | "reject", user = approver) =>
  post({
    type: "block_actions",
    user: { id: user, name: user },
    channel: { id: "C0DELIVERY" },
    actions: [{ action_id: action, value: id }],
  });
const submit = (id: string, reason: string, user = approver) =>
  post({
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
/** What Slack shows of the delivery. */
const shown = () => {
  const state = [...world.slack.shown.values()].find((each) => each.delivery === delivery);
  if (!state) throw new Error("the delivery has a message");
  const { text, blocks } = messageBlocks(state, undefined);
  return { question: state.question?.status, text, all: JSON.stringify(blocks) };
};

test("a crash between a vote and the sending of its decision leaves no buttons behind", async () => {
  const { id } = await ask();
  const { succeed } = world.deliveries;
  world.deliveries.succeed = () => Promise.reject(new Error("killed"));
  await expect(click(id, "approve")).rejects.toThrow("killed");
  world.deliveries.succeed = succeed;
  world.time.now += 60_000;
  await sweep();
  expect(world.engine.answers).toMatchObject([{ output: { status: "approved" } }]);
  expect(shown().question).toBe("approved");
});

test("a question that is asked again while a click arrives never shows buttons over the decision", async () => {
  const { id, input } = await ask();
  const { read } = world.claims;
  // The click falls between the question's being kept and its being shown.
  const claims: StepWorld["claims"] = {
    ...world.claims,
    read: async (...of) => {
      await click(id, "approve");
      return read(...of);
    },
  };
  await requestApproval({ ...world, claims })(input);
  expect(shown().question).toBe("approved");
});

describe("prod that changes while a question stands", () => {
  test("leads back to VerifyStage: the checks were measured against the champion before", () => {
    const { Choices } = localDefinition.States.IsProdClaimed;
    expect(Choices).toContainEqual(expect.objectContaining({ StringEquals: "stale", Next: "VerifyStage" }));
  });

  test("is never asked about with checks against the champion before", async () => {
    await serve(world, "a", 1);
    await expect(ask({ baseline: 0 })).rejects.toMatchObject({ name: "ProdChanged" });
    expect(await world.approvals.open(model)).toEqual([]);
  });

  test("is told of in the question that is asked again, and the one before takes no answer any more", async () => {
    await serve(world, "a", 1);
    const first = await ask();
    await serve(world, "b", 2);
    const { fence } = first;
    const stage = await world.claims.take(
      { environment: "stage", model, delivery, requestedAt: world.time.now, now: world.time.now },
      "force",
    );
    world.engine.waiting.add("newer");
    await requestApproval(world)({
      ...first.input,
      fence: stage.status === "granted" ? stage.fence : fence,
      baseline: 2,
      taskToken: "newer",
    });
    expect(shown().all).toContain("Asked again");
    expect(shown().all).toContain("version 1");
    expect(shown().all).toContain("version 2");
    await click(first.id, "approve");
    expect(world.engine.answers).toEqual([]);
    expect(whispers).toHaveLength(1);
  });

  test("again and again ends the delivery", async () => {
    const { input } = await ask();
    let asked = 1;
    await expect(
      (async () => {
        for (; asked < 50; asked++) {
          await serve(world, "0123456789"[asked] ?? "a", asked);
          const { fence } = (await world.claims.read("stage", model)) ?? { fence: 0 };
          const serving = await world.ledger.serving("prod", model);
          await requestApproval(world)({ ...input, fence, baseline: serving?.sequence ?? 0 });
        }
      })(),
    ).rejects.toMatchObject({ name: expect.stringMatching(/ProdBusy/) });
    expect(asked).toBeLessThan(10);
  });
});

/** ClaimProd for the delivery as it was asked about; `changes` is what state data may say instead. */
const claimAsked = (
  { id, commit, fence, baseline }: Awaited<ReturnType<typeof ask>>,
  changes: Partial<{ commit: string; baseline: number; digest: string; version: number }> = {},
) =>
  claimEnvironment(world)({
    delivery,
    model,
    commit,
    environment: "prod",
    requestedAt: 1,
    stageFence: fence,
    baseline,
    approvedAt: world.time.now,
    approval: id,
    digest: digestOf("c"),
    version: 3,
    ...changes,
  });

describe("a decision about one image", () => {
  test("claims prod for no other image or version, and not before it was made", async () => {
    const asked = await ask();
    const claim = (digest: string, version: number, changes: { commit?: string } = {}) =>
      claimAsked(asked, { digest, version, ...changes });
    const mismatch = { name: "ApprovalMismatch" };
    await expect(claim(digestOf("c"), 3)).rejects.toMatchObject(mismatch);
    await click(asked.id, "approve");
    await expect(claim(digestOf("d"), 3)).rejects.toMatchObject(mismatch);
    await expect(claim(digestOf("c"), 4)).rejects.toMatchObject(mismatch);
    await expect(claim(digestOf("c"), 3, { commit: world.commit("d") })).rejects.toMatchObject(mismatch);
    expect(await world.claims.read("prod", model)).toBeUndefined();
    expect((await claim(digestOf("c"), 3)).status).toBe("granted");
  });

  test("claims prod for no other baseline than its own, whatever the state's data says", async () => {
    const asked = await ask();
    await click(asked.id, "approve");
    await serve(world, "a", 1);
    const baseline = (await world.ledger.serving("prod", model))?.sequence ?? 0;
    const claim = claimAsked(asked, { baseline });
    await expect(claim).rejects.toMatchObject({ name: "ApprovalMismatch" });
    expect((await world.claims.read("prod", model))?.holder).not.toBe(delivery);
  });

  test("deploys and promotes no other", async () => {
    const { id, commit } = await ask();
    await click(id, "approve");
    const fence = await claimProd();
    const subject = { delivery, model, commit, environment: "prod", fence, approval: id };
    const mismatch = { name: "ApprovalMismatch" };
    const deploy = (letter: string, changes: object = {}) =>
      deployModel(world)({ ...subject, digest: digestOf(letter), version: 3, ...changes });
    await expect(deploy("d")).rejects.toMatchObject(mismatch);
    await expect(deploy("c", { commit: world.commit("d") })).rejects.toMatchObject(mismatch);
    const { functionVersion } = await deploy("c");
    const promote = (letter: string, changes: object = {}) =>
      promoteModel(world)({
        ...subject,
        stageFence: 1,
        functionVersion,
        approvedBy: [],
        digest: digestOf(letter),
        version: 3,
        ...changes,
      });
    await expect(promote("d")).rejects.toMatchObject(mismatch);
    await expect(promote("c", { commit: commitOf("d") })).rejects.toMatchObject(mismatch);
    expect(await world.ledger.serving("prod", model)).toBeUndefined();
  });

  test("deploys and promotes nothing over another version than the checks were measured against", async () => {
    const { id, commit } = await ask();
    await click(id, "approve");
    await serve(world, "a", 1);
    const fence = await claimProd();
    const subject = { delivery, model, commit, fence, approval: id, digest: digestOf("c"), version: 3 };
    const mismatch = { name: "ApprovalMismatch" };
    await expect(deployModel(world)({ ...subject, environment: "prod" })).rejects.toMatchObject(mismatch);
    await world.ledger.begin(
      {
        environment: "prod",
        ...subject,
        functionVersion: "2",
        previous: (await world.ledger.serving("prod", model))?.sequence ?? 0,
        reason: null,
      },
      world.time.now,
    );
    const promote = promoteModel(world)({ ...subject, stageFence: 1, functionVersion: "2", approvedBy: [] });
    await expect(promote).rejects.toMatchObject(mismatch);
    expect((await world.ledger.serving("prod", model))?.digest).toBe(digestOf("a"));
  });
});

describe("what serves prod is what the ledger says, whatever the state's data says", () => {
  const mismatch = { name: "ApprovalMismatch" };
  /** A delivery of version 3 over version 2, approved and proven on prod; version 1 is still published. */
  const proven = async () => {
    await serve(world, "a", 1);
    await serve(world, "b", 2);
    const { id, commit, fence: stageFence } = await ask();
    await click(id, "approve");
    const fence = await claimProd();
    const subject = { delivery, model, commit, fence, digest: digestOf("c"), version: 3, approval: id };
    const { functionVersion, championVersion } = await deployModel(world)({
      ...subject,
      environment: "prod",
    });
    return { ...subject, stageFence, functionVersion, championVersion, approvedBy: [] };
  };
  const live = async () => {
    const alias = await world.serving.prod.live(model);
    return [alias?.version, alias?.canary?.version];
  };

  test("another function version is not promoted", async () => {
    const input = await proven();
    expect([input.functionVersion, input.championVersion]).toEqual(["3", "2"]);
    await expect(promoteModel(world)({ ...input, functionVersion: "1" })).rejects.toMatchObject(mismatch);
    expect(await live()).toEqual(["2", undefined]);
    await promoteModel(world)(input);
    expect(await live()).toEqual(["3", undefined]);
  });

  test("no canary gives traffic to another function version, in the challenger's place or the champion's", async () => {
    const input = await proven();
    for (const other of [{ functionVersion: "1" }, { championVersion: "1" }, { championVersion: "3" }])
      await expect(shiftTraffic(world)({ ...input, ...other, step: 0 })).rejects.toMatchObject(mismatch);
    expect(await live()).toEqual(["2", undefined]);
    await shiftTraffic(world)({ ...input, step: 0 });
    expect(await live()).toEqual(["2", "3"]);
  });

  test("no canary is judged by the numbers of another function version", async () => {
    const input = await proven();
    const { since } = await shiftTraffic(world)({ ...input, step: 0 });
    for (const other of [{ functionVersion: "1" }, { championVersion: "1" }])
      await expect(judgeCanary(world)({ ...input, ...other, step: 0, since })).rejects.toMatchObject(
        mismatch,
      );
    expect((await judgeCanary(world)({ ...input, step: 0, since })).error).toBeNull();
  });

  test("those who approved are the decision's", async () => {
    const input = await proven();
    const forged = [{ user: "U0FORGED", name: "Ada", at: "2026-11-21T12:00:00.000Z" }];
    await promoteModel(world)({ ...input, approvedBy: forged });
    expect((await world.ledger.serving("prod", model))?.approvedBy).toEqual([approver]);
  });
});

test("only an approval goes on to prod: nothing does by default", () => {
  const { Choices, Default } = localDefinition.States.IsApproved;
  expect(Choices).toContainEqual(expect.objectContaining({ StringEquals: "approved", Next: "ClaimProd" }));
  expect(Default).not.toBe("ClaimProd");
});

describe("a person's rollback has its own words", () => {
  const approvedCanary = async () => {
    await serve(world, "a", 1);
    await serve(world, "b", 2);
    const { id, commit, fence: stageFence, baseline } = await ask();
    await click(id, "approve");
    const artefact = { digest: digestOf("c"), version: 3, approval: id };
    const subject = { delivery, model, commit };
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
    await shiftTraffic(world)({ ...subject, fence, functionVersion, championVersion, step: 0 });
    return { ...subject, ...artefact, fence, stageFence, functionVersion };
  };
  const back = () => rollback(world)({ model, id: "rollback-1", by: "ada: wrong answers" });

  test("where it ended a canary", async () => {
    const { commit } = await approvedCanary();
    await back();
    expect(shown().all).toContain("ada: wrong answers");
    await rollBack(world)({ delivery, model, commit, error: null });
    await reportOutcome(world)({ delivery, model, commit, outcome: "superseded", error: null });
    expect(shown().text).not.toContain("later commit");
    expect(shown().all).toContain("ada: wrong answers");
  });

  test("where it took back what was promoted", async () => {
    const input = await approvedCanary();
    await promoteModel(world)({ ...input, approvedBy: [] });
    await reportOutcome(world)({ delivery, model, commit: input.commit, outcome: "promoted", error: null });
    expect(shown().text).toBe("toy version 3 serves prod");
    await back();
    expect(shown().text).not.toContain("serves prod");
    expect(shown().all).toContain("ada: wrong answers");
  });
});

test("a version that a later one replaced is not said to serve prod", async () => {
  const { id, commit } = await ask();
  await click(id, "approve");
  const fence = await claimProd();
  const input = { delivery, model, commit, fence, digest: digestOf("c"), version: 3, approval: id };
  const { functionVersion } = await deployModel(world)({ ...input, environment: "prod" });
  await promoteModel(world)({ ...input, stageFence: 1, functionVersion, approvedBy: [] });
  await reportOutcome(world)({ delivery, model, commit, outcome: "promoted", error: null });
  await serve(world, "d", 4);
  await world.messages.expect(delivery);
  await sweep();
  expect(shown().text).not.toContain("serves prod");
});

describe("the task token", () => {
  const kept = () =>
    world.database
      .prepare("SELECT value FROM items")
      .all()
      .filter(({ value }) => String(value).includes("the-task-token")).length;

  test.each<[string, (id: string) => Promise<unknown>]>([
    ["the decision was sent", (id) => click(id, "approve")],
    [
      "the question was withdrawn",
      (id) => world.approvals.withdraw(id, { name: "Superseded", cause: "later" }),
    ],
    ["the delivery ended without an answer", (id) => world.approvals.close(id, "the delivery has ended")],
  ])("is deleted once %s", async (_, use) => {
    const { id } = await ask();
    expect(kept()).toBe(1);
    await use(id);
    expect(kept()).toBe(0);
  });
});

describe("a dialog", () => {
  test("opens for nobody who may not answer: they are told so", async () => {
    const { id } = await ask();
    await click(id, "reject", "U0OUTSIDE");
    await click(id, "reject", approver);
    expect(views).toHaveLength(1);
    expect(whispers).toHaveLength(1);
  });

  test("opens for nobody once the question was answered", async () => {
    const { id } = await ask();
    await click(id, "approve");
    await click(id, "reject");
    expect(views).toEqual([]);
    expect(whispers).toHaveLength(1);
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
  ])("of invisible characters (%s) is no reason", async (_, reason) => {
    const { id } = await ask();
    const { body } = await submit(id, reason);
    expect(body).toContain("errors");
    expect(world.engine.answers).toEqual([]);
  });

  test("that does not fit is refused, and never cut", async () => {
    const { id } = await ask();
    expect((await submit(id, "😀".repeat(1_001))).body).toContain("errors");
    const whole = `${"x".repeat(1_990)} the end`;
    expect((await submit(id, whole)).body).toBe("");
    expect(shown().all).toContain("the end");
  });
});
