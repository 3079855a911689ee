import { afterEach, beforeEach, expect, test } from "vitest";
import { createFreezes } from "#domain/changes/freezes.ts";
import { createOverview } from "#domain/overview/create-overview.ts";
import {
  type ConsoleWorld,
  createConsoleWorld,
  openConsole,
  openDelivery,
} from "#test/support/console/console-world.ts";
import { sampleCanary } from "#test/support/sample-canary.ts";
import { fakeCommit, fakeDigest, toyModel } from "#test/support/toy-model.ts";

let opened: ConsoleWorld;
beforeEach(async () => {
  opened = await createConsoleWorld();
});
afterEach(() => opened.world.close());

const deliveryPage = `/models/${toyModel}/deliveries/${openDelivery}`;
const canaryPage = `${deliveryPage}/canary`;
const orders = { path: () => "/order", people: [{ user: "U024BE7LH", name: "Ada" }] };
const read = async (path: string): Promise<string> => {
  const { body } = await openConsole(opened, { links: { orders } })({ path, query: new URLSearchParams() });
  return body;
};
const hour = 3_600_000;
const freeze = (scope: string) => {
  const { store, clock, time } = opened.world;
  return createFreezes({ store, clock }).freeze({
    ...{ scope, until: time.now + 3 * hour, reason: "the <sale>", by: { id: "U1", name: "Grace" } },
  });
};

/** The delivery's version gets 10 % of prod's traffic, and bakes. */
const beginCanary = async (onInconclusive: "ask" | "extend" = "extend") => {
  const { ledger, time } = opened.world;
  const entry = await ledger.begin(
    {
      ...{
        environment: "prod",
        model: toyModel,
        delivery: openDelivery,
        commit: fakeCommit("d"),
        version: 4,
      },
      ...{ digest: fakeDigest("d"), functionVersion: "4", fence: 9, previous: 2, reason: null },
    },
    time.now,
  );
  await ledger.change(entry, (current) => ({
    ...{ ...current, status: "canary", shares: [{ percent: 10, from: time.now }] },
  }));
  const at = new Date(time.now).toISOString();
  const output = { ShiftTraffic: { share: 10, bakeSeconds: 1_800 } };
  opened.histories.set(openDelivery, [
    { state: "ShiftTraffic", status: "entered", at, ms: 0 },
    { state: "ShiftTraffic", status: "succeeded", at, ms: 5, output },
    { state: "Bake", status: "entered", at, ms: 0 },
  ]);
  // Measured by a canary of six hours.
  const [look] = (await sampleCanary(time.now, 1)).looks;
  if (look)
    await opened.world.canaries.addLook(openDelivery, { ...look, rule: { ...look.rule, onInconclusive } });
};

const frozen = (scope: string) => `${scope} frozen by Grace: the &lt;sale&gt;, until 21 Nov 2026, 18:01:0`;

test("while a model is frozen every page about it says why and until when, also before the question is decided", async () => {
  for (const path of ["/", "/deliveries", `/models/${toyModel}`, deliveryPage])
    expect(await read(path), path).not.toMatch(/prod is closed/i);
  await freeze(toyModel);
  for (const path of ["/", "/deliveries", `/models/${toyModel}`, deliveryPage]) {
    expect(await read(path), path).toMatch(/prod is closed/i);
    expect(await read(path), path).toContain(frozen("toy is"));
  }
});

test("a freeze of all models is said once at home, and one of another model not at all", async () => {
  await freeze("other");
  expect(await read("/")).not.toMatch(/prod is closed/i);
  await freeze("*");
  expect((await read("/")).split("<b>Prod is closed:</b>")).toHaveLength(2);
});

test("a canary that keeps its share has no next judgement on the delivery's page, whether a person holds it or prod is closed", async () => {
  await beginCanary();
  expect(await read(deliveryPage)).toContain("Next judgement");
  const { canaries, time } = opened.world;
  const hold = { kind: "hold" as const, until: time.now + hour, reason: "a sale" };
  await canaries.order(openDelivery, hold, { user: "U024BE7LH", name: "Ada" });
  expect(await read(deliveryPage)).not.toContain("Next judgement");
  await canaries.order(openDelivery, { kind: "end-hold" }, { user: "U024BE7LH", name: "Ada" });
  expect(await read(deliveryPage)).toContain("Next judgement");
  await freeze(toyModel);
  expect(await read(deliveryPage)).not.toContain("Next judgement");
});

test("a canary in a closed prod says that it keeps its share, and no page forecasts when it is on prod", async () => {
  await beginCanary();
  expect(await read(deliveryPage)).toContain("On prod at the earliest");
  expect(await read(canaryPage)).toContain("under way</span>");
  await freeze("*");
  expect(await read(deliveryPage)).not.toContain("On prod at the earliest");
  const page = await read(canaryPage);
  expect(page).toContain(frozen("all models are"));
  expect(page).toContain("keeps this share until prod opens");
});

test("a held canary has no forecast: its page says who holds it, until when and why, and what ends with the hold", async () => {
  await beginCanary();
  const { canaries, time } = opened.world;
  const hold = { kind: "hold" as const, until: time.now + hour, reason: "a sale" };
  await canaries.order(openDelivery, hold, { user: "U024BE7LH", name: "Ada" });
  const page = await read(deliveryPage);
  expect(page).not.toContain("On prod at the earliest");
  expect(page).toMatch(
    /Held<\/dt><dd>by Ada Byron <span class="faint">U024BE7LH<\/span> until 21 Nov 2026, 16:01:0\d UTC .*<q>a sale<\/q>/,
  );
  expect(await read(canaryPage)).toContain("The canary goes on as its rule says.");
  await freeze(toyModel);
  expect(await read(canaryPage)).not.toContain("The canary goes on as its rule says.");
  expect(await read(canaryPage)).toContain("Prod is closed, so the canary keeps its share until it opens.");
});

test("a page leads to a canary only where there is one", async () => {
  opened.histories.set(openDelivery, [
    { state: "AwaitOpening", status: "entered", at: new Date(opened.world.time.now).toISOString(), ms: 0 },
  ]);
  expect(await read(deliveryPage)).not.toContain('/canary"');
  expect(await read(deliveryPage)).toContain("Waits until prod opens");
  await beginCanary();
  expect(await read(deliveryPage)).toContain('/canary"');
});

test("who broke the glass, and why, is on the delivery's page, the approval's and in prod's ledger", async () => {
  const glass = { user: "U024BE7LH", name: "Ada", reason: "wrong <prices>", at: opened.world.time.now };
  const { ledger, time, store, clock } = opened.world;
  await ledger.begin(
    {
      ...{
        environment: "prod",
        model: toyModel,
        delivery: openDelivery,
        commit: fakeCommit("d"),
        version: 4,
      },
      ...{ digest: fakeDigest("d"), functionVersion: "4", fence: 9, previous: 2, reason: null },
      breakGlass: glass,
    },
    time.now,
  );
  const overview = createOverview({ store, deliveries: opened.deliveries, clock, keepMetricsMs: 0 });
  const record = await overview.readDelivery(toyModel, openDelivery);
  if (!record) throw new Error("the world has this delivery");
  const questions = record.questions.map((question) => ({ ...question, breakGlass: glass }));
  const source = { readDelivery: async () => ({ ...record, questions }) };
  for (const path of [deliveryPage, `${deliveryPage}/approval`, `/models/${toyModel}`]) {
    const { body } = await openConsole(opened, { source })({ path, query: new URLSearchParams() });
    expect(body, path).toMatch(/let (it|this delivery) change (it|prod).*wrong &lt;prices&gt;/);
  }
});

test("a rejected delivery's page begins with who rejected it and why", async () => {
  const { approvals, outcomes, time } = opened.world;
  await approvals.vote(opened.approval, {
    ...{ user: "U024BE7LH", name: "Ada", email: "ada@example.com", verdict: "rejected" },
    ...{ reason: "wrong prices", at: time.now },
  });
  await outcomes.keep({
    ...{ delivery: openDelivery, model: toyModel, commit: fakeCommit("d"), outcome: "rejected", error: null },
    at: time.now,
  });
  const page = await read(deliveryPage);
  expect(page).toMatch(/toy v4 was rejected.*Rejected by Ada Byron.*wrong prices.*aria-label="Steps"/s);
});

test("a delivery's page says until when its canary may stay without a verdict, time in which it was held included, and what follows", async () => {
  await beginCanary();
  const { canaries, time } = opened.world;
  const until = (at: number) => `<time datetime="${new Date(at).toISOString().slice(0, 16)}`;
  const findEnd = async () =>
    /Without a verdict until<\/dt><dd>(.*?)<\/dd>/.exec(await read(deliveryPage))?.[1];
  const end = time.now + 6 * hour;
  expect(await findEnd()).toContain(until(end));
  expect(await findEnd()).toContain("then the canary is rolled back");
  const hold = { kind: "hold" as const, until: time.now + hour, reason: "a sale" };
  await canaries.order(openDelivery, hold, { user: "U024BE7LH", name: "Ada" });
  // Held, it has no forecast.
  expect(await findEnd()).toBeUndefined();
  time.now += 2 * hour;
  expect(await findEnd()).toContain(until(end + hour));
});

test("where the approvers are asked about an inconclusive canary, its delivery's page says that they decide", async () => {
  await beginCanary("ask");
  expect(await read(deliveryPage)).toContain(
    "then the approvers decide whether it goes on without a verdict",
  );
});

test("prod's ledger says why an entry ended: who aborted its canary, by their display name, and why", async () => {
  await beginCanary();
  const { ledger, time } = opened.world;
  const entry = await ledger.ofDelivery("prod", toyModel, openDelivery);
  if (!entry) throw new Error("the canary has begun");
  const abort = { kind: "abort" as const, by: "U024BE7LH", name: "U024BE7LH", at: time.now };
  await ledger.change(entry, (current) => ({
    ...{ ...current, status: "ended", orders: [{ ...abort, until: null, reason: "a <recall>" }] },
  }));
  expect(await read(`/models/${toyModel}`)).toContain("Aborted by Ada Byron: a &lt;recall&gt;");
});

test("the approval of an inconclusive canary shows what its approvers saw: the warning, and only what is not on prod already", async () => {
  const { store, clock, approvals } = opened.world;
  const overview = createOverview({ store, deliveries: opened.deliveries, clock, keepMetricsMs: 0 });
  const record = await overview.readDelivery(toyModel, openDelivery);
  const [question] = record?.questions ?? [];
  if (!record || !question || !approvals) throw new Error("the delivery has a question");
  const p95 = {
    ...{ name: "canary latency p95", verdict: "inconclusive" as const, measured: 1, limit: 1, unit: "" },
    detail: "p95 latency 135 ms",
  };
  const canary = {
    ...{ ...question, id: "toy~canary", canary: { step: 0, percent: 10 } },
    evidence: { ...question.evidence, checks: [...question.evidence.checks, p95] },
  };
  const show = async (questions: readonly (typeof question)[]) => {
    const source = { readDelivery: async () => ({ ...record, questions }) };
    const response = await openConsole(opened, { source })({
      ...{ path: `${deliveryPage}/approval`, query: new URLSearchParams() },
    });
    return response.body;
  };
  const [asked = "", first = ""] = (await show([question, canary]))
    .split('<section class="question"')
    .slice(1);
  expect(asked).toContain(
    "<b>The canary has no verdict at 10 % of prod:</b> latency p95 is inconclusive. If approved, it goes on without proof.",
  );
  expect(asked).toContain("it goes on without proof: 50 % for 30 min → 100 %");
  expect(asked).not.toContain("10 % for 30 min");
  expect(first).toContain("10 % for 30 min → 50 % for 30 min → 100 %");
  expect(first).not.toContain("without proof");
  const regions = [...(await show([question, canary])).matchAll(/role="region" aria-label="([^"]*)"/g)];
  expect(new Set(regions.map(([, name]) => name)).size).toBe(2);
  // Asked while prod served something else: every approver was told.
  expect(await show([{ ...question, baseline: 1 }])).toContain(
    "<b>Prod changed:</b> it now serves version 2",
  );
});
