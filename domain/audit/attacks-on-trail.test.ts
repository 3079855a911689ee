/** What somebody with write access to the table, and not to the anchors, may do to audit trails. */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Json, Store } from "#platform/store/store.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { createNewApproval, recordApproval } from "#test/support/record-approval.ts";
import { toyModel } from "#test/support/toy-model.ts";
import { type AuditDocument, verifyDocument } from "./audit-document.ts";
import { AuditEntry, type AuditFact, auditKeys, hashJson, toAuditEntry } from "./audit-entry.ts";
import { createAuditReader } from "./audit-reader.ts";
import { createAuditRecorder } from "./audit-recorder.ts";
import { createAuditTrail } from "./audit-trail.ts";
import { auditHeadTag } from "./head-tag.ts";
import { type OutsideHead, verifyTrail } from "./verify-trail.ts";

type Value = Record<string, unknown>;
type Models = { readonly churn: readonly Value[]; readonly fraud: readonly Value[] };
type Model = keyof Models;

const createFact = (number: number): AuditFact => ({
  ...{ fact: `vote ${number}`, delivery: "d-1", version: 1, at: "2026-01-02T00:00:00.000Z", kind: "vote" },
  detail: { user: "U024BE7LH", name: `Ada ${number}`, approval: "a", verdict: "approved" },
});
const createTrail = (model: string, length: number): readonly AuditEntry[] => {
  const entries: AuditEntry[] = [];
  for (let number = 1; number <= length; number++)
    entries.push(
      toAuditEntry(createFact(number), { model, previous: entries.at(-1), recordedAt: "2026-01-03" }),
    );
  return entries;
};
const longest = 10;
const trails = { churn: createTrail("churn", longest), fraud: createTrail("fraud", longest) };

const place = fc.nat({ max: longest });
const model = fc.constantFrom<Model>("churn", "fraud");
const action = fc.oneof(
  fc.record({ kind: fc.constant("remove" as const), model, place }),
  fc.record({ kind: fc.constant("truncate" as const), model, place }),
  fc.record({ kind: fc.constant("move" as const), model, place, to: place }),
  fc.record({ kind: fc.constant("add" as const), model, place, number: fc.integer({ min: 1, max: 20 }) }),
  fc.record({
    kind: fc.constant("change" as const),
    model,
    place,
    field: fc.constantFrom("kind", "delivery", "version", "at", "recordedAt", "detail", "fact"),
    value: fc.constantFrom<unknown>("eve", 9, null, { by: "Eve" }),
  }),
  fc.record({ kind: fc.constant("swap models" as const), from: place, to: place }),
);
type Action = typeof action extends fc.Arbitrary<infer Result> ? Result : never;

const apply = (models: Models, step: Action): Models => {
  if (step.kind === "swap models") {
    const [from, to] = [Math.min(step.from, step.to), Math.max(step.from, step.to)];
    const take = (mine: readonly Value[], theirs: readonly Value[]) => [
      ...mine.slice(0, from),
      ...theirs.slice(from, to),
      ...mine.slice(to),
    ];
    return { churn: take(models.churn, models.fraud), fraud: take(models.fraud, models.churn) };
  }
  const values = models[step.model];
  const index = values.length === 0 ? 0 : step.place % values.length;
  const edit = (): readonly Value[] => {
    switch (step.kind) {
      case "remove":
        return values.toSpliced(index, 1);
      case "truncate":
        return values.slice(0, index);
      case "move":
        return values.toSpliced(index, 1).toSpliced(step.to, 0, ...values.slice(index, index + 1));
      case "add":
        return values.toSpliced(index, 0, { ...trails.churn[0], ...createFact(step.number) });
      case "change":
        return values.map((value, at) => (at === index ? { ...value, [step.field]: step.value } : value));
      default:
        return step satisfies never;
    }
  };
  return { ...models, [step.model]: edit() };
};

/** Writes hashes, places and names that fit, as the recorder would. */
const rechain = (name: string, values: readonly Value[]): readonly Value[] => {
  let previous: string | null = null;
  return values.map(({ hash: _, ...value }, index) => {
    const fields = { ...value, model: name, sequence: index + 1, previous };
    previous = hashJson(fields);
    return { ...fields, hash: previous };
  });
};
const toItems = (name: string, values: readonly Value[]) =>
  values.map((value, index) => ({
    key: auditKeys.entry(name, index + 1),
    value: JSON.parse(JSON.stringify(value)),
  }));
/** Notes that fit the items, as far as these are entries. */
const toNotes = (name: string, items: ReturnType<typeof toItems>) =>
  items.flatMap(({ value }) => {
    const entry = AuditEntry.safeParse(value).data;
    if (!entry) return [];
    return [{ key: auditKeys.fact(name, entry), value: { sequence: entry.sequence, hash: entry.hash } }];
  });
const toHead = ({ sequence, hash }: AuditEntry): OutsideHead => ({
  ...{ sequence, hash, from: "lock", place: `anchor ${sequence}`, at: 1 },
});

test("whatever is changed up to the newest anchor is found, whether hashes, places, names and notes fit or not", () => {
  fc.assert(
    fc.property(
      fc.array(action, { minLength: 1, maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: longest }), { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      fc.boolean(),
      (actions, anchored, isRechained, isNoted) => {
        const edited = actions.reduce(apply, trails as Models);
        for (const name of ["churn", "fraud"] as const) {
          const values = isRechained ? rechain(name, edited[name]) : edited[name];
          const last = Math.max(...anchored);
          const before = trails[name].slice(0, last);
          const isSame = JSON.stringify(values.slice(0, last)) === JSON.stringify(before);
          const items = toItems(name, values);
          // An anchor that is put again, and old ones beside the newest, change nothing.
          const heads = [...anchored, ...anchored].flatMap((at) =>
            trails[name].slice(at - 1, at).map(toHead),
          );
          const notes = isNoted ? toNotes(name, items) : [];
          const { findings, newestAnchor } = verifyTrail({ model: name, items, heads, notes });
          expect(newestAnchor?.sequence).toBe(last);
          if (!isSame) expect(findings).not.toEqual([]);
          if (JSON.stringify(values) === JSON.stringify(trails[name])) expect(findings).toEqual([]);
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

test("an anchor of one model that is put for another one is found", () => {
  const items = toItems("fraud", trails.fraud);
  const heads = [trails.fraud.slice(-1), trails.churn.slice(2, 3)].flat().map(toHead);
  expect(verifyTrail({ model: "fraud", items, heads }).findings).toMatchObject([
    { kind: "anchor differs", sequence: 3 },
  ]);
});

test("an end that was cut after the newest anchor is found by the notes of its facts", () => {
  const items = toItems("churn", trails.churn);
  const notes = toNotes("churn", items);
  const heads = trails.churn.slice(0, 4).map(toHead);
  expect(verifyTrail({ model: "churn", items, heads, notes }).findings).toEqual([]);
  const { findings } = verifyTrail({ model: "churn", items: items.slice(0, 8), heads, notes });
  expect(findings.map(({ sequence }) => sequence)).toEqual([9, 10]);
});

describe("in a world", () => {
  let world: MemoryWorld;
  beforeEach(() => {
    world = createMemoryWorld();
  });
  afterEach(() => world.close());
  const findings = async () =>
    (await createAuditReader({ ...world, provenance: world.strict }).verify(toyModel)).findings;
  const decide = async (delivery: string, letter = "a", version = 1) => {
    await recordApproval(world, { delivery, letter, version });
    await world.audit.settle(delivery);
    world.time.now += 1_000;
  };
  const readTrail = async () =>
    (await createAuditTrail(world).readItems(toyModel)).map(({ value }) => AuditEntry.parse(value));
  const register = async (delivery: string) => {
    const made = { model: toyModel, delivery, artifact: new Uint8Array([1]), manifest: "" };
    return (await world.registry.register({ ...made, tags: {}, metrics: {} })).version;
  };

  test("a note that keeps a decision out of the trail is found", async () => {
    await decide("d1");
    const id = await recordApproval(world, { delivery: "d2", letter: "b", version: 2 });
    const forged = auditKeys.fact(toyModel, { delivery: "d2", fact: `decision ${id}` });
    const { sequence, hash } = (await readTrail()).at(-1) ?? {};
    for (const value of [{ sequence: sequence ?? 0, hash: hash ?? "" }, { sequence: 99, hash: "0" }, "x"]) {
      await world.store.put(forged, value);
      await world.audit.settle("d2");
      expect((await findings()).map(({ sentence }) => sentence).join()).toContain("keeps a fact out");
    }
  });

  test.each<Json>([{ anchored: 1e9, tagged: 1e9 }, { anchored: "x" }, "x"])(
    "progress that says too much keeps no anchor from being put: %j",
    async (progress) => {
      const version = await register("d1");
      await world.store.put(auditKeys.progress(toyModel), progress);
      await decide("d1", "a", version);
      expect(await findings()).toEqual([]);
      expect((await world.registry.version(toyModel, version))?.tags[auditHeadTag]).toMatch(/^4 /);
      expect((await world.anchors.list(toyModel)).anchors).toHaveLength(1);
    },
  );

  test("progress that claims a rollback is recorded hides it for a day at most", async () => {
    const champion = await promoteVersion(world, "a", 1);
    await world.audit.recordModel(toyModel);
    const rollback = await world.ledger.begin(
      { ...champion, delivery: "rollback-toy-1", reason: "eve: unseen", fence: 9 },
      world.time.now,
    );
    const promotedAt = world.time.now;
    await world.ledger.change(rollback, (current) => ({ ...current, status: "promoted", promotedAt }));
    // Writes the progress, and no entry.
    const put: Store["put"] = async (key, ...rest) =>
      key.partition === "audit-progress" ? world.store.put(key, ...rest) : { written: true, version: 1 };
    await createAuditRecorder({ ...world, store: { ...world.store, put } }).recordModel(toyModel);
    await world.audit.recordModel(toyModel);
    expect((await readTrail()).map(({ kind }) => kind)).toEqual(["trail-started"]);
    world.time.now += 86_400_000;
    await world.audit.recordModel(toyModel);
    expect((await readTrail()).at(-1)).toMatchObject({ kind: "rolled-back", detail: { by: "eve: unseen" } });
  });

  test("progress that was written ahead keeps entries without an anchor, which is found after an hour", async () => {
    await decide("d1");
    await world.store.put(auditKeys.progress(toyModel), { anchored: 7, tagged: 7 });
    await decide("d2", "b", 2);
    expect(await findings()).toEqual([]);
    world.time.now += 3_600_000;
    expect(await findings()).toMatchObject([{ kind: "anchor missing", sequence: 5 }]);
  });

  test("a trail cut back to a tag that was set back is found by the anchors, and the other way round", async () => {
    const version = await register("d1");
    await decide("d1", "a", version);
    const tag = (await world.registry.version(toyModel, version))?.tags[auditHeadTag] ?? "";
    await decide("d2", "b", version);
    for (const { key } of (await createAuditTrail(world).readItems(toyModel)).slice(4))
      await world.store.remove(key);
    const withTag = async (text: string) => {
      await world.registry.setTags(toyModel, version, { [auditHeadTag]: text });
      return (await findings()).filter(({ kind }) => kind === "removed");
    };
    expect(await withTag(tag)).toMatchObject([{ kind: "removed", sequence: 5 }]);
    const anchors = { ...world.anchors, list: async () => ({ anchors: [], invalid: [] }) };
    const reader = createAuditReader({ ...world, anchors, provenance: world.strict });
    await world.registry.setTags(toyModel, version, { [auditHeadTag]: `7 ${"0".repeat(64)}` });
    expect((await reader.verify(toyModel)).findings).toContainEqual(
      expect.objectContaining({ kind: "removed", sequence: 5 }),
    );
  });

  test("a clock that goes back breaks no trail and hides no fact", async () => {
    await decide("d1");
    world.time.now -= 86_400_000;
    const { id } = await world.approvals.ask(
      createNewApproval(world, { delivery: "d2", letter: "b", version: 2 }),
      "token",
    );
    world.time.now -= 5_000;
    const ada = { user: "U024BE7LH", name: "Ada", email: "ada@example.com" };
    await world.approvals.vote(id, { ...ada, verdict: "approved", reason: null, at: world.time.now });
    await world.audit.settle("d2");
    await world.audit.settle("d2");
    expect((await readTrail()).map(({ kind }) => kind).toSorted()).toEqual([
      ...["decision", "decision", "question-opened", "question-opened", "trail-started", "vote", "vote"],
    ]);
    expect(await findings()).toEqual([]);
  });
});

test("two writers at once, in any order of their calls, record each fact once and break nothing", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const world = createMemoryWorld();
      try {
        for (const [delivery, letter, version] of [
          ["d1", "a", 1],
          ["d2", "b", 2],
        ] as const)
          await recordApproval(world, { delivery, letter, version });
        const inAnyOrder = (): Store => ({
          ...world.store,
          get: (...args) => scheduler.schedule(Promise.resolve()).then(() => world.store.get(...args)),
          put: (...args) => scheduler.schedule(Promise.resolve()).then(() => world.store.put(...args)),
          page: (...args) => scheduler.schedule(Promise.resolve()).then(() => world.store.page(...args)),
        });
        const writers = ["d1", "d2", "d1"].map((delivery) =>
          createAuditRecorder({ ...world, store: inAnyOrder() }).settle(delivery),
        );
        await scheduler.waitFor(Promise.all(writers));
        const reader = createAuditReader({ ...world, provenance: world.strict });
        const { entries, findings } = await reader.verify(toyModel);
        expect(world.warnings).toEqual([]);
        expect(findings).toEqual([]);
        expect(entries).toHaveLength(7);
      } finally {
        world.close();
      }
    }),
    { numRuns: 15 },
  );
});

describe("a document", () => {
  const [question, vote, decision] = [
    { ...createFact(1), kind: "question-opened", detail: { approval: "a", evidence: hashJson({}) } },
    createFact(2),
    { ...createFact(3), kind: "decision", detail: { approval: "a", digest: "sha256:0", by: [] } },
  ] as unknown as readonly AuditFact[];
  const link = (facts: readonly (AuditFact | undefined)[]) => {
    const entries: AuditEntry[] = [];
    for (const fact of facts)
      if (fact)
        entries.push(toAuditEntry(fact, { model: "churn", previous: entries.at(-1), recordedAt: "2026" }));
    return entries;
  };
  const entries = link([question, vote, decision, createFact(4)]);
  const toDocument = (part: readonly AuditEntry[], anchored: readonly AuditEntry[]): AuditDocument => ({
    ...{ format: "slipway-audit-document/1", model: "churn", version: 1, exportedAt: "2026" },
    ...{ entries: [...part], evidence: { [hashJson({})]: {} }, provenance: [] },
    ...{ publicKey: null, registryTags: null },
    anchors: anchored.map(({ sequence, hash }) => ({
      ...{ sequence, hash, from: "lock", place: "the bucket", at: null },
      ...{ lockedUntil: null, signature: null },
    })),
  });
  const explain = async (document: AuditDocument) =>
    (await verifyDocument(document)).findings.map(({ sentence }) => sentence).join("\n");
  const last = entries.slice(-1);

  test("without a change has no findings", async () => {
    expect(await explain(toDocument(entries, last))).toBe("");
  });
  test("with a second entry at the same place is found, although each follows the one before", async () => {
    const forged = toAuditEntry(createFact(9), {
      ...{ model: "churn", recordedAt: "2026", previous: entries[1] },
    });
    const added = toDocument(entries.toSpliced(2, 0, forged), last);
    expect(await explain(added)).toContain("Entry 3 stands where entry 4 should");
  });
  test("that begins after the question of its decision is found", async () => {
    expect(await explain(toDocument(entries.slice(1), last))).toContain("The question of entry 2 is missing");
  });
  test("with an anchor of an entry that it does not have claims nothing by it", async () => {
    const [first] = entries;
    const moved = toDocument(entries.slice(1), first ? [first] : []);
    expect(await explain(moved)).toContain("which is not in the document: it confirms nothing");
  });
  test("about another version than its entries is found", async () => {
    expect(await explain({ ...toDocument(entries, last), version: 7 })).toContain("no entry about version 7");
  });
});
