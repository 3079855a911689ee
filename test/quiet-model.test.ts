import { afterEach, beforeEach, expect, test } from "vitest";
import { deriveApprovalId } from "#domain/approval/approval-records.ts";
import { startDelivery } from "#lambdas/start-delivery/start-delivery.ts";
import {
  approveByName,
  type DeliveryWorld,
  openDeliveryWorld,
  submit,
} from "#test/contracts/public-forms/delivery-world.ts";
import { buildModelYaml, fakeDigest, toyModel } from "#test/support/toy-model.ts";

/**
 * A model with ten calls an hour, delivered by the real state machine and steps in virtual time: it never has the samples
 * of a canary, and nothing may say that it passed one.
 */
let world: DeliveryWorld;
beforeEach(() => {
  world = openDeliveryWorld();
  before = null;
  called = 0;
});
afterEach(() => world.close());

const minute = 60_000;
const hour = 60 * minute;
const yaml = (onInconclusive: string, inputs = "full") =>
  buildModelYaml({
    approval: "{ approvers: [U024BE7LH], quorum: 1, authorMayApprove: false, timeout: PT24H }",
    canary: `{ steps: [10, 50], bake: PT30M, minSamples: 200, onInconclusive: ${onInconclusive}, atMost: PT6H }`,
    records: `{ inputs: ${inputs}, ttlDays: 30 }`,
  });

let before: string | null;
const push = async (letter: string, manifest: string): Promise<string> => {
  const after = world.commit(letter, manifest);
  world.changed.set(`${before ?? ""}..${after}`, [`models/${toyModel}/model.onnx`]);
  const { deliveries } = await startDelivery(world)({
    ...{ repository: "rehearsal", before, after, pusher: "sam@example.com", runtime: fakeDigest("f") },
  });
  before = after;
  return deliveries[0]?.name ?? "";
};
const readOutcome = async (delivery: string) => (await world.outcomes.read(delivery))?.outcome;
const readMessage = async (delivery: string) => JSON.stringify(await world.messages.state(delivery));

/** Calls prod as its applications do: every six minutes, and every so manyth call meets the canary. */
let called: number;
const callProd = async (duration: number) => {
  const live = await world.serving.prod.live(toyModel);
  for (const end = world.time.now + duration; world.time.now < end; world.time.now += 6 * minute) {
    const toCanary = live?.canary !== undefined && ++called % Math.round(1 / live.canary.weight) === 0;
    const version = toCanary ? live?.canary?.version : live?.version;
    world.metrics.request({
      ...{ environment: "prod", model: toyModel, version: version ?? "", at: world.time.now },
      ...{ latencyMs: 12, failed: false, labels: new Map([["yes", 1]]) },
    });
    if (!toCanary)
      world.recorded.unshift({
        ...{ version: 1, inputs: { x: 1 }, createdAt: new Date(world.time.now).toISOString() },
      });
  }
};

/** Promotes the first version, with a week of traffic after it, and starts the second. */
const startSecond = async (manifest: string, first = manifest) => {
  const initial = await push("a", first);
  await approveByName(world, await world.question(initial), toyModel);
  await world.ended(initial);
  expect(await readOutcome(initial)).toBe("promoted");
  await callProd(7 * 24 * hour);
  world.bakes.set("b", { traffic: () => callProd(30 * minute) });
  const delivery = await push("b", manifest);
  return { delivery, approval: await world.question(delivery) };
};
/** The id of the question about a step; it exists once it is asked. */
const awaitCanaryQuestion = async (delivery: string, step: number): Promise<string> => {
  const { baseline } = (await world.approvals.ofDelivery(delivery))[0] ?? { baseline: 0 };
  const id = deriveApprovalId({ model: toyModel, delivery, baseline, canary: { step, percent: 0 } });
  expect(await world.nextQuestion(delivery, step + 2)).toBe(id);
  return id;
};

test("before anybody approves, the message says that the traffic is not enough and what will follow", async () => {
  const { delivery } = await startSecond(yaml("ask"));
  const state = await world.messages.state(delivery);
  expect(state?.checks.find(({ name }) => name === "canary traffic")).toMatchObject({
    verdict: "inconclusive",
    detail: expect.stringMatching(
      /^not enough traffic: prod had 10 requests an hour \(last 7 days\), but the canary needs 13 requests a minute.*ask the approvers again$/,
    ),
  });
});

test("a first version has no canary, and the message says so", async () => {
  const delivery = await push("a", yaml("ask"));
  await world.question(delivery);
  expect((await world.messages.state(delivery))?.omitted).toContainEqual({
    name: "canary traffic",
    why: "a model's first version has no canary",
  });
});

test("with two answers of its approvers it serves prod, and nothing ever says that its canary passed", async () => {
  const { delivery, approval } = await startSecond(yaml("ask"));
  await approveByName(world, approval, toyModel);
  for (const step of [0, 1]) {
    const question = await awaitCanaryQuestion(delivery, step);
    const state = await world.messages.state(delivery);
    const canary = state?.checks.filter(({ name }) => name.startsWith("canary ")) ?? [];
    expect(canary.length).toBeGreaterThan(3);
    for (const check of canary) expect([check.name, check.verdict]).toEqual([check.name, "inconclusive"]);
    const replays = state?.checks.filter(({ name }) => name.startsWith("replay ")) ?? [];
    expect(replays.length).toBe(3);
    for (const { detail } of replays) expect(detail).toContain("no live traffic");
    expect(state?.question).toMatchObject({ status: "open", canaryPercent: [10, 50][step] });
    // The author may not decide this question either.
    await approveByName(world, question, toyModel, "USAM");
    expect((await world.approvals.read(question))?.state.status).toBe("pending");
    await approveByName(world, question, toyModel);
  }
  await world.ended(delivery);
  expect(await readOutcome(delivery)).toBe("promoted");
  const entry = await world.ledger.ofDelivery("prod", toyModel, delivery);
  expect(entry?.acceptedSteps).toMatchObject([
    { percent: 10, by: ["U024BE7LH"] },
    { percent: 50, by: ["U024BE7LH"] },
  ]);
  const canary = entry?.checks.filter(({ name }) => name.startsWith("canary ")) ?? [];
  expect(canary.map(({ verdict }) => verdict)).not.toContain("pass");
  expect(await readMessage(delivery)).toContain('"canaryPercent":50');
  expect(await world.serving.prod.live(toyModel)).toMatchObject({ version: entry?.functionVersion });
});

test("a rejection puts prod back, and the outcome says so", async () => {
  const { delivery, approval } = await startSecond(yaml("ask"));
  const champion = await world.serving.prod.live(toyModel);
  await approveByName(world, approval, toyModel);
  await submit(world, await awaitCanaryQuestion(delivery, 0), "not without proof");
  await world.ended(delivery);
  expect(await readOutcome(delivery)).toBe("rejected");
  const live = await world.serving.prod.live(toyModel);
  expect(live).toMatchObject({ version: champion?.version });
  expect(live?.canary).toBeUndefined();
});

test("a version that fails while its approvers decide is rolled back although they approve", async () => {
  const { delivery, approval } = await startSecond(yaml("ask"));
  await approveByName(world, approval, toyModel);
  const question = await awaitCanaryQuestion(delivery, 0);
  const entry = await world.ledger.ofDelivery("prod", toyModel, delivery);
  const champion = await world.serving.prod.live(toyModel);
  for (let request = 0; request < 500; request++)
    for (const version of [entry?.functionVersion ?? "", champion?.version ?? ""])
      world.metrics.request({
        ...{ environment: "prod", model: toyModel, version, at: world.time.now - 1 },
        ...{ latencyMs: 12, failed: version === entry?.functionVersion, labels: new Map() },
      });
  await approveByName(world, question, toyModel);
  await world.ended(delivery);
  expect(await world.outcomes.read(delivery)).toMatchObject({
    outcome: "failed",
    error: { name: "CanaryFailed" },
  });
});

test("with onInconclusive: extend it is rolled back at atMost, with the replay as evidence and no pass", async () => {
  const { delivery, approval } = await startSecond(yaml("extend"));
  await approveByName(world, approval, toyModel);
  await world.ended(delivery);
  expect(await world.outcomes.read(delivery)).toMatchObject({
    outcome: "failed",
    error: { name: "CanaryFailed", cause: expect.stringContaining("still inconclusive after PT6H") },
  });
  const checks = (await world.ledger.ofDelivery("prod", toyModel, delivery))?.checks ?? [];
  const named = (prefix: string) => checks.filter(({ name }) => name.startsWith(prefix));
  expect(named("canary ").map(({ verdict }) => verdict)).not.toContain("pass");
  expect(named("replay ")).toHaveLength(3);
});

test("a model that records no inputs is asked about without a replay, and the message says why", async () => {
  const { delivery, approval } = await startSecond(yaml("ask", "none"));
  await approveByName(world, approval, toyModel);
  await awaitCanaryQuestion(delivery, 0);
  const state = await world.messages.state(delivery);
  expect(state?.omitted).toContainEqual({
    name: "replay",
    why: "no inputs are recorded (records.inputs: none)",
  });
  expect(state?.checks.some(({ name }) => name.startsWith("replay "))).toBe(false);
});
