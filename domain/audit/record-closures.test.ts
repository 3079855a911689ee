/** Freezes, broken glass and orders about canaries in the audit trail. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { breakGlass } from "#cli/break-glass.ts";
import type { CommandWorld } from "#cli/command-world.ts";
import type { AnswerOrigin } from "#domain/approval/answer-origin.ts";
import { submitDecision } from "#domain/approval/submit-decision.ts";
import { submitCanaryOrder } from "#domain/canary/submit-canary-order.ts";
import { createFreezes, everyModel } from "#domain/changes/freezes.ts";
import { createHolds } from "#domain/changes/holds.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { createNewApproval, recordApproval } from "#test/support/record-approval.ts";
import { fakeCommit, fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { verifyDocument } from "./audit-document.ts";
import { AuditEntry } from "./audit-entry.ts";
import { createAuditReader } from "./audit-reader.ts";
import { createAuditTrail } from "./audit-trail.ts";
import { formatDocumentMarkdown } from "./format-audit-document.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

const hour = 3_600_000;
const ada = { id: "arn:ada", name: "Ada" };
const eve = { id: "arn:eve", name: "Eve" };
const toTime = (at: number) => new Date(at).toISOString();
const readTrail = async (model = toyModel): Promise<readonly AuditEntry[]> => {
  const items = await createAuditTrail(world).readItems(model);
  return items.map(({ value }) => AuditEntry.parse(value));
};
const reader = () => createAuditReader({ ...world, provenance: world.strict });
const freeze = (scope: string, reason: string, hours = 1) =>
  createFreezes(world).freeze({ scope, until: world.time.now + hours * hour, reason, by: ada });
const unfreeze = (scope: string) => createFreezes(world).unfreeze(scope, eve);
/** Begins the model's trail. */
const begin = async (letter = "a", version = 1) => {
  await recordApproval(world, { delivery: `d-${letter}`, letter, version });
  await world.audit.settle(`d-${letter}`);
  world.time.now += 1_000;
};
const sweep = async () => {
  for (const model of await world.audit.models()) {
    await world.audit.recordModel(model);
    await world.audit.anchor(model);
  }
};
const listNew = async () => (await readTrail()).slice(4).map(({ kind, detail }) => ({ kind, ...detail }));

describe("freezes", () => {
  test("each is recorded with who, until when and why, and so is its end, once and anchored", async () => {
    await begin();
    const at = world.time.now;
    await freeze(toyModel, "inventory");
    await sweep();
    world.time.now += 60_000;
    await unfreeze(toyModel);
    await sweep();
    await sweep();
    const until = toTime(at + hour);
    expect(await listNew()).toEqual([
      { kind: "frozen", scope: toyModel, user: ada.id, name: "Ada", until, reason: "inventory" },
      { kind: "unfrozen", scope: toyModel, user: eve.id, name: "Eve", frozenAt: toTime(at), until },
    ]);
    expect((await readTrail()).slice(4)).toMatchObject([
      { at: toTime(at), version: null, delivery: null },
      { at: toTime(at + 60_000) },
    ]);
    expect(await reader().verify(toyModel)).toMatchObject({ findings: [], unanchored: [] });
  });

  test("all that happened between two sweeps is recorded: freezes that others replaced or ended, too", async () => {
    await begin();
    for (const reason of ["first", "second", "third"]) {
      await freeze(everyModel, reason);
      world.time.now += 1_000;
    }
    await unfreeze(everyModel);
    world.time.now += 1_000;
    await freeze(everyModel, "fourth");
    await sweep();
    expect((await readTrail()).slice(4).map(({ kind, detail }) => detail.reason ?? kind)).toEqual([
      ...["first", "second", "third", "unfrozen", "fourth"],
    ]);
  });

  test("a freeze of all models is in the trail of each, also of one that prod does not serve", async () => {
    await begin();
    const other = { model: "other", delivery: "d-other", letter: "b", version: 1 };
    await recordApproval(world, other);
    await world.audit.settle("d-other");
    await freeze(everyModel, "holidays");
    await world.audit.recordFreezes(everyModel);
    for (const model of [toyModel, "other"]) {
      expect((await readTrail(model)).at(-1)).toMatchObject({ kind: "frozen", detail: { scope: "*" } });
      expect(await reader().verify(model)).toMatchObject({ findings: [], unanchored: [] });
    }
  });

  test("a trail that begins during a freeze has it, and none that was over, ended or replaced before", async () => {
    await freeze(everyModel, "over", 1 / 60);
    await freeze(toyModel, "ended");
    await unfreeze(toyModel);
    world.time.now += 120_000;
    await freeze(toyModel, "replaced");
    world.time.now += 1;
    await freeze(toyModel, "in force");
    world.time.now += 1;
    await begin();
    expect((await readTrail()).map(({ kind, detail }) => detail.reason ?? kind)).toEqual([
      ...["trail-started", "in force", "question-opened", "vote", "decision"],
    ]);
  });

  test("a freeze alone begins no trail", async () => {
    await freeze(toyModel, "nothing to hold");
    await world.audit.recordModel(toyModel);
    await world.audit.recordFreezes(toyModel);
    expect(await readTrail()).toEqual([]);
  });

  test("a record of the last release, without what it replaced, is recorded as it is", async () => {
    await begin();
    const { now } = world.time;
    await world.store.put(
      { partition: "freezes", sort: toyModel },
      { scope: toyModel, until: now + hour, reason: "old", by: ada, at: now, lifted: null },
    );
    await unfreeze(toyModel);
    await sweep();
    expect((await listNew()).map(({ kind }) => kind)).toEqual(["frozen", "unfrozen"]);
  });

  test("a version's document has the freezes that were in force in its time, and no others", async () => {
    await begin("a", 1);
    await freeze(toyModel, "before its time");
    await sweep();
    await unfreeze(toyModel);
    world.time.now += 1;
    await freeze(everyModel, "holidays");
    await sweep();
    await begin("b", 2);
    const document = await reader().exportVersion(toyModel, 2);
    expect(document.entries.map(({ kind }) => kind)).toEqual([
      ...["frozen", "question-opened", "vote", "decision"],
    ]);
    expect((await verifyDocument(document)).findings).toEqual([]);
    expect(formatDocumentMarkdown(document)).toContain("all models until");
  });
});

/** A delivery of version 2 whose canary runs, approved by Ada. */
const startCanary = async () => {
  const champion = await promoteVersion(world, "a", 1);
  const approval = await recordApproval(world, { delivery: "d-b", letter: "b", version: 2 });
  const entry = await world.ledger.begin(
    {
      ...{ environment: "prod", model: toyModel, delivery: "d-b", commit: fakeCommit("b") },
      ...{ digest: fakeDigest("b"), version: 2, functionVersion: "9", fence: 5, previous: champion.sequence },
      reason: null,
    },
    world.time.now,
  );
  const shares = [{ percent: 10, from: world.time.now }];
  await world.ledger.change(entry, (current) => ({ ...current, status: "canary", shares }));
  return approval;
};

test("whoever breaks the glass is recorded with the reason and with why prod was closed", async () => {
  const rule = { approvers: ["U024BE7LH", "U0SECOND1"], quorum: 1, authorMayApprove: true, timeout: "PT24H" };
  const id = await recordApproval(world, { delivery: "d-a", letter: "a", version: 1, rule });
  const closure = { until: null, why: "all models are frozen by Ada: holidays" };
  await createHolds(world).hold({ delivery: "d-a", model: toyModel }, closure, world.time.now);
  const { taken } = await breakGlass(world as unknown as CommandWorld, {
    named: id,
    voter: {
      ...{ id: "U0SECOND1", name: "Eve", email: "eve@example.com" },
      via: "command",
      account: "arn:eve",
    },
    reason: "prices are wrong",
  });
  expect(taken).toBe(true);
  expect(await reader().verify(toyModel)).toMatchObject({ findings: [], unanchored: [] });
  expect((await readTrail()).at(-1)).toMatchObject({
    ...{ kind: "break-glass", version: 1, delivery: "d-a", at: toTime(world.time.now) },
    detail: {
      ...{ user: "U0SECOND1", name: "Eve", approval: id },
      ...{ reason: "prices are wrong", closure: closure.why },
      ...{ via: "command", account: "arn:eve" },
    },
  });
  const document = await reader().exportVersion(toyModel, 1);
  expect(formatDocumentMarkdown(document)).toContain(
    "Eve (U0SECOND1), by the command line, as arn:eve let it change prod although it was closed",
  );
});

test("an approval on the command line is recorded like one in Slack", async () => {
  const { id } = await world.approvals.ask(
    createNewApproval(world, { delivery: "d-a", letter: "a", version: 1 }),
    "token",
  );
  const approver = { id: "U024BE7LH", name: "Ada", email: "ada@example.com" };
  const submit = submitDecision(world);
  expect((await submit({ approval: id, approver, verdict: "approved", reason: null })).taken).toBe(true);
  expect((await readTrail()).slice(-2)).toMatchObject([
    { kind: "vote", detail: { user: "U024BE7LH", name: "Ada", approval: id } },
    { kind: "decision", detail: { verdict: "approved", by: [{ user: "U024BE7LH" }] } },
  ]);
  expect(await reader().verify(toyModel)).toMatchObject({ findings: [], unanchored: [] });
});

test("an order about a canary is recorded as it was given, although a later one ends it", async () => {
  await startCanary();
  const submit = submitCanaryOrder(world);
  const person = {
    ...{ user: "U024BE7LH", name: "Ada", email: "ada@example.com" },
    ...({ via: "command", account: "arn:ada" } as const),
  };
  const start = world.time.now;
  const orders = [
    { kind: "hold", forMs: hour, reason: "look at the scores" },
    { kind: "hold", forMs: 2 * hour, reason: "again" },
    { kind: "abort", reason: "scores drift" },
  ] as const;
  for (const order of orders) {
    expect((await submit("d-b", order, person)).taken).toBe(true);
    world.time.now += 60_000;
  }
  const recorded = (await readTrail()).filter(({ kind }) => kind === "canary-order");
  expect(recorded.map(({ version, at, detail }) => ({ version, at, ...detail }))).toEqual(
    orders.map((order, index) => ({
      ...{
        version: 2,
        at: toTime(start + index * 60_000),
        order: order.kind,
        user: person.user,
        name: "Ada",
      },
      until: order.kind === "hold" ? toTime(start + index * 60_000 + order.forMs) : null,
      reason: order.reason,
      ...{ via: "command", account: "arn:ada" },
    })),
  );
  expect((await reader().verify(toyModel)).findings).toEqual([]);
});

test("each order says by which way it came: a hold, its end, a go, and a vote on a page", async () => {
  await startCanary();
  const submit = submitCanaryOrder(world);
  const ada = { user: "U024BE7LH", name: "Ada" };
  const give = async (kind: "hold" | "end-hold" | "go", origin: AnswerOrigin) => {
    const order = kind === "hold" ? { kind, forMs: hour, reason: "look" } : { kind };
    expect((await submit("d-b", order, { ...ada, ...origin })).taken).toBe(true);
    world.time.now += 1_000;
  };
  await give("hold", { via: "slack" });
  await give("end-hold", { via: "console" });
  await give("go", { via: "command", account: "ada@laptop" });
  const recorded = (await readTrail()).filter(({ kind }) => kind === "canary-order");
  expect(recorded.map(({ detail: { order, via, account } }) => [order, via, account])).toEqual([
    ["hold", "slack", undefined],
    ["end-hold", "console", undefined],
    ["go", "command", "ada@laptop"],
  ]);
  expect((await reader().verify(toyModel)).findings).toEqual([]);
});
