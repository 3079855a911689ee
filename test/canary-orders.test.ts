import { afterEach, beforeEach, expect, test } from "vitest";
import { createAuditReader } from "#domain/audit/audit-reader.ts";
import { giveCanaryOrder } from "#domain/canary/give-canary-order.ts";
import { createCanaryFactsReader } from "#domain/canary/read-canary-facts.ts";
import { submitCanaryOrder } from "#domain/canary/submit-canary-order.ts";
import { startDelivery } from "#lambdas/start-delivery/start-delivery.ts";
import { createCanaryButtons } from "#slack/canary-buttons.ts";
import {
  approveByName,
  approver,
  click,
  type DeliveryWorld,
  openDeliveryWorld,
} from "#test/contracts/public-forms/delivery-world.ts";
import { buildModelYaml, fakeDigest, toyModel } from "#test/support/toy-model.ts";

/**
 * People's orders about a canary, by Slack's own callbacks on the real state machine and steps in virtual time, with prod's
 * alias watched from outside at each round.
 */
let world: DeliveryWorld;
/** The canary's weight on prod at each round, and what people do before it. */
let weights: number[];
beforeEach(() => {
  world = openDeliveryWorld();
  weights = [];
});
afterEach(() => world.close());

const minute = 60_000;
const yaml = (onInconclusive = "extend") =>
  buildModelYaml({
    approval: "{ approvers: [U024BE7LH], quorum: 1, authorMayApprove: false, timeout: PT24H }",
    canary: `{ steps: [10, 50], bake: PT30M, minSamples: 200, onInconclusive: ${onInconclusive}, atMost: PT2H }`,
  });
const push = async (letter: string, before: string | null, manifest: string) => {
  const after = world.commit(letter, manifest);
  world.changed.set(`${before ?? ""}..${after}`, [`models/${toyModel}/model.onnx`]);
  const { deliveries } = await startDelivery(world)({
    ...{ repository: "rehearsal", before, after, pusher: "sam@example.com", runtime: fakeDigest("f") },
  });
  return { after, delivery: deliveries[0]?.name ?? "" };
};
const readLive = () => world.serving.prod.live(toyModel);
const requests = async (count: number) => {
  const live = await readLive();
  for (const version of [live?.version, live?.canary?.version])
    for (let request = 0; request < count; request++)
      world.metrics.request({
        ...{ environment: "prod", model: toyModel, version: version ?? "", at: world.time.now },
        ...{ latencyMs: 12, failed: false, labels: new Map([["yes", 1]]) },
      });
};
/**
 * Starts the second version's canary. Rounds are a minute apart.
 * @param traffic requests to each version in each round
 * @param act called before each round, with its number from 1
 */
const startCanary = async (
  traffic: number,
  act: (round: number, approval: string) => Promise<unknown> | unknown,
) => {
  const first = await push("a", null, yaml());
  await approveByName(world, await world.question(first.delivery), toyModel);
  await world.ended(first.delivery);
  const champion = await readLive();
  const { delivery } = await push("b", first.after, yaml());
  const approval = await world.question(delivery);
  world.bakes.set("b", {
    traffic: async () => {
      weights.push((await readLive())?.canary?.weight ?? 0);
      await requests(traffic);
      world.time.now += minute;
      await act(weights.length, approval);
    },
  });
  await approveByName(world, approval, toyModel);
  return { delivery, approval, champion };
};
const clickCanary = (approval: string, action: string, user = approver) =>
  world.callback({
    type: "block_actions",
    user: { id: user, name: user },
    actions: [{ action_id: action, value: approval }],
  });
const readLabel = (element: object): unknown =>
  "text" in element && typeof element.text === "object" && element.text && "text" in element.text
    ? element.text.text
    : element;
const submitAbort = (approval: string, reason: string, user = approver) =>
  world.callback({
    type: "view_submission",
    user: { id: user, name: user },
    view: {
      callback_id: "canary-abort-reason",
      private_metadata: approval,
      state: { values: { reason: { reason: { value: reason } } } },
    },
  });

test("an abort in Slack puts prod back within one round, and the outcome, the message and the thread say who and why", async () => {
  const { delivery, champion } = await startCanary(100, async (round, approval) => {
    if (round !== 3) return;
    await clickCanary(approval, "canary-abort");
    // A stranger and an empty reason change nothing.
    expect((await submitAbort(approval, "because", "U0STRANGE")).body).toMatch(/not an approver/);
    expect((await submitAbort(approval, "  ")).body).toMatch(/Enter a reason/);
    expect((await submitAbort(approval, "customers complain")).body).toBe("");
  });
  await world.ended(delivery);
  expect(weights).toEqual([0.1, 0.1, 0.1]);
  expect(await world.outcomes.read(delivery)).toMatchObject({
    outcome: "failed",
    error: { name: "CanaryAborted", cause: `${approver} aborted the canary: customers complain` },
  });
  const live = await readLive();
  expect(live).toMatchObject({ version: champion?.version });
  expect(live?.canary).toBeUndefined();
  expect((await world.messages.state(delivery))?.canary).toBeUndefined();
  expect(await world.ledger.ofDelivery("prod", toyModel, delivery)).toMatchObject({
    status: "ended",
    orders: [{ kind: "abort", by: approver, reason: "customers complain" }],
  });
});

test("the button holds a canary for an hour although it passes; then it goes on and is promoted", async () => {
  const { delivery } = await startCanary(100, async (round, approval) => {
    if (round === 1) await clickCanary(approval, "canary-hold");
  });
  await world.ended(delivery);
  expect(await world.outcomes.read(delivery)).toMatchObject({ outcome: "promoted" });
  const held = weights.findIndex((weight) => weight > 0.1);
  // A round a minute: held from the first minute to the sixty-first.
  expect(held).toBeGreaterThanOrEqual(60);
  expect(held).toBeLessThan(65);
  expect(weights.slice(held).every((weight) => weight === 0.5)).toBe(true);
});

test("a go asks the approvers, whose answer alone lets it go on; a failed check is never overridden", async () => {
  const { delivery } = await startCanary(1, async (round) => {
    if (round === 2)
      await giveCanaryOrder(world)(
        delivery,
        { kind: "go" },
        { user: approver, name: "Ada", email: "ada@example.com" },
      );
  });
  const question = await world.nextQuestion(delivery, 2);
  expect(weights).toEqual([0.1, 0.1]);
  // The author's click counts as little as on the first question.
  await approveByName(world, question, toyModel, "USAM");
  expect((await world.approvals.read(question))?.state.status).toBe("pending");
  // A page's and the command line's "go" is a vote now, and needs the model's name as Slack's dialog does.
  const vote = (confirmation?: string) =>
    submitCanaryOrder(world)(
      delivery,
      { kind: "go", confirmation },
      { user: approver, name: "Ada", email: "ada@example.com" },
    );
  expect(await vote()).toMatchObject({ taken: false, sentence: expect.stringContaining("type toy") });
  expect((await world.approvals.read(question))?.state.status).toBe("pending");
  expect(await vote(toyModel)).toMatchObject({ taken: true });
  expect((await createCanaryFactsReader(world)(toyModel, delivery))?.votes).toMatchObject([
    { by: approver, verdict: "approved", approvals: 1, quorum: 1 },
  ]);
  await world.ended(delivery);
  expect(weights[2]).toBe(0.5);
  const entry = await world.ledger.ofDelivery("prod", toyModel, delivery);
  expect(entry?.acceptedSteps).toMatchObject([{ percent: 10, by: [approver] }]);
  expect(entry?.orders).toMatchObject([{ kind: "go", by: approver }]);
  expect(await world.outcomes.read(delivery)).toMatchObject({
    outcome: "failed",
    error: { name: "CanaryFailed", cause: expect.stringContaining("still inconclusive") },
  });
});

test("the buttons end a hold, ask the approvers, and leave once they are asked; the question is answered by the model's name", async () => {
  const labels = async () => {
    const state = await world.messages.state(delivery);
    return state && createCanaryButtons(state).flatMap(({ elements }) => elements.map(readLabel));
  };
  const shown: unknown[] = [];
  const { delivery, approval: first } = await startCanary(1, async (round, approval) => {
    if (round === 1) await clickCanary(approval, "canary-hold");
    if (round === 2) {
      shown.push(await labels());
      // What a person confirmed is what happens: this canary is held, so nobody is asked.
      await clickCanary(approval, "canary-go");
      await clickCanary(approval, "canary-end-hold", "U0STRANGE");
      shown.push((await world.canaries.read(delivery)).go, await labels());
      await clickCanary(approval, "canary-end-hold");
      shown.push(await labels());
    }
    if (round === 3) {
      // Sam is the author.
      await clickCanary(approval, "canary-go", "USAM");
      shown.push((await world.canaries.read(delivery)).go);
      await clickCanary(approval, "canary-go");
      shown.push(await labels(), (await world.messages.state(delivery))?.progress);
    }
  });
  const question = await world.nextQuestion(delivery, 2);
  expect(weights).toEqual([0.1, 0.1, 0.1]);
  expect(shown).toEqual([
    ["Hold for 1 hour", "End the hold", "Abort the canary…"],
    null,
    ["Hold for 1 hour", "End the hold", "Abort the canary…"],
    ["Hold for 1 hour", "Ask to go on", "Abort the canary…"],
    null,
    ["Hold for 1 hour", "Abort the canary…"],
    expect.stringMatching(/10 % of prod's traffic; U024BE7LH asked .* are asked at the next round$/),
  ]);
  expect(await labels()).toEqual(["Abort the canary…"]);
  // Three orders were refused, each in a dialog that says why.
  const dialogs = world.notes.calls.filter(({ request }) => JSON.stringify(request).includes('"notice"'));
  expect(dialogs).toHaveLength(3);
  // A button of an older message asks nobody again.
  await clickCanary(first, "canary-go");
  await click(world, question, "approve");
  expect((await world.approvals.read(question))?.state.status).toBe("pending");
  await approveByName(world, question, toyModel);
  await world.ended(delivery);
  expect(weights[3]).toBe(0.5);
  const entry = await world.ledger.ofDelivery("prod", toyModel, delivery);
  expect(entry?.orders.map(({ kind, by }) => [kind, by])).toEqual([
    ["hold", approver],
    ["end-hold", approver],
    ["go", approver],
  ]);
  expect(entry?.acceptedSteps).toMatchObject([{ percent: 10, by: [approver] }]);
  const replies = world.notes.calls.flatMap(({ method, request }) =>
    method === "chat.postMessage" && "thread_ts" in request && "text" in request
      ? [String(request.text)]
      : [],
  );
  expect(replies).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/holds the canary of toy v2 until/),
      `:arrow_forward: <@${approver}> ended the hold: the canary of toy v2 goes on as its rule says`,
      expect.stringMatching(/asks whether the canary of toy v2 goes on without a verdict/),
      expect.stringMatching(/inconclusive canary at 10 % was accepted by/),
    ]),
  );
});

test("an abort while the approvers are asked is their answer, and prod goes back at once", async () => {
  const { delivery, approval, champion } = await startCanary(1, async (round) => {
    if (round === 1)
      await giveCanaryOrder(world)(
        delivery,
        { kind: "go" },
        { user: approver, name: "Ada", email: "ada@example.com" },
      );
  });
  const question = await world.nextQuestion(delivery, 2);
  expect((await submitAbort(question, "no proof, no rollout")).body).toBe("");
  await world.ended(delivery);
  expect(await world.outcomes.read(delivery)).toMatchObject({ outcome: "rejected" });
  expect((await readLive())?.version).toBe(champion?.version);
  expect((await submitAbort(approval, "again")).body).toMatch(/has ended/);
  // No round came after the abort, and the ledger has it nevertheless; the audit trail has every order.
  const orders = [
    { kind: "go", by: approver },
    { kind: "abort", by: approver, reason: "no proof, no rollout" },
  ];
  expect((await world.ledger.ofDelivery("prod", toyModel, delivery))?.orders).toMatchObject(orders);
  await world.audit.record(delivery);
  const { entries } = await createAuditReader(world).verify(toyModel);
  expect(entries.filter(({ kind }) => kind === "canary-order").map(({ detail }) => detail)).toMatchObject(
    orders.map(({ kind: order, by: user, ...reason }) => ({ order, user, ...reason })),
  );
});
