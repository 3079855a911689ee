import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AuditEntry, type AuditFact, auditKeys, hashEntry, toAuditEntry } from "./audit-entry.ts";
import { type OutsideHead, verifyTrail } from "./verify-trail.ts";

const model = "churn";
const digest = `sha256:${"a".repeat(64)}`;
const start: AuditFact = {
  fact: "trail started",
  delivery: null,
  version: null,
  at: "2026-01-01T00:00:00.000Z",
  kind: "trail-started",
  detail: { before: null },
};
const vote = (number: number): AuditFact => ({
  fact: `vote ${number}`,
  delivery: `delivery-${number % 3}`,
  version: number,
  at: "2026-01-02T00:00:00.000Z",
  kind: "vote",
  detail: { user: "U024BE7LH", name: `Ada ${number}`, approval: "churn~1", verdict: "approved" },
});
const decision = (number: number): AuditFact => ({
  ...{ fact: `decision ${number}`, delivery: "delivery-1", version: 1, at: "2026-01-02T00:00:00.000Z" },
  kind: "decision",
  detail: {
    ...{ approval: "churn~1", canary: null, verdict: "approved", by: [], reason: null },
    ...{ quorum: 1, digest, policy: null },
  },
});

const link = (facts: readonly AuditFact[]): readonly AuditEntry[] => {
  const entries: AuditEntry[] = [];
  for (const fact of facts)
    entries.push(
      toAuditEntry(fact, { model, previous: entries.at(-1), recordedAt: "2026-01-03T00:00:00.000Z" }),
    );
  return entries;
};
const longest = 12;
const longTrail = link([start, ...Array.from({ length: longest - 1 }, (_, index) => vote(index + 2))]);
const createTrail = (length: number) => longTrail.slice(0, length);
const toItems = (entries: readonly AuditEntry[]) =>
  entries.map((entry, index) => ({
    key: auditKeys.entry(model, index + 1),
    value: JSON.parse(JSON.stringify(entry)),
  }));
const toHead = ({ sequence, hash }: AuditEntry): OutsideHead => ({
  ...{ sequence, hash, from: "lock", place: `anchors/${sequence}`, at: 1 },
});
const verify = (items: ReturnType<typeof toItems>, heads: readonly OutsideHead[]) =>
  verifyTrail({ model, items, heads });

test("a trail with its anchors has no findings, and names its newest anchor and what comes after it", () => {
  const trail = createTrail(6);
  const anchors = [trail[1], trail[3]].map((entry) => toHead(AuditEntry.parse(entry)));
  expect(verify(toItems(trail), anchors.toReversed())).toMatchObject({
    findings: [],
    newestAnchor: { sequence: 4 },
    unanchored: [5, 6],
  });
});

/** A trail of two or more entries, and an anchor of one of them. */
const anchoredTrail = fc
  .tuple(fc.integer({ min: 2, max: longest }), fc.nat())
  .map(([length, at]) => ({ trail: createTrail(length), anchored: (at % length) + 1 }));

/** What a person with access to the store may do to one entry. */
const edits = fc.oneof(
  fc.record({ kind: fc.constant("remove" as const), at: fc.nat() }),
  fc.record({ kind: fc.constant("swap" as const), at: fc.nat(), other: fc.nat() }),
  fc.record({ kind: fc.constant("truncate" as const), at: fc.nat() }),
  fc.record({ kind: fc.constant("duplicate" as const), at: fc.nat() }),
  fc.record({
    kind: fc.constant("change" as const),
    at: fc.nat(),
    field: fc.constantFrom(
      ...([
        "model",
        "fact",
        "kind",
        "delivery",
        "version",
        "at",
        "recordedAt",
        "detail",
        "previous",
        "sequence",
      ] as const),
      ...(["hash", "format"] as const),
    ),
    value: fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.constant({ by: "Eve" })),
    /** Also writes the hash that fits the changed entry. */
    hashed: fc.boolean(),
  }),
);

type Items = ReturnType<typeof toItems>;
const edit = (
  items: Items,
  action: typeof edits extends fc.Arbitrary<infer A> ? A : never,
  anchored: number,
): Items => {
  const index = action.at % anchored;
  switch (action.kind) {
    case "remove":
      return items.filter((_, each) => each !== index);
    case "truncate":
      return items.slice(0, index);
    case "swap": {
      const other = action.other % anchored;
      const values = items.map(({ value }) => value);
      return items.map((item, each) => ({
        ...item,
        value: each === index ? values[other] : each === other ? values[index] : item.value,
      }));
    }
    case "duplicate":
      return items.map((item, each) => ({
        ...item,
        value: each <= index ? item.value : items[each - 1]?.value,
      }));
    case "change":
      return items.map((item, each) => {
        if (each !== index) return item;
        const value = { ...item.value, [action.field]: action.value };
        return { ...item, value: action.hashed ? { ...value, hash: hashEntry(value) } : value };
      });
    default:
      return action satisfies never;
  }
};

describe("up to the newest anchor", () => {
  test("every change, removal, swap, repetition and truncation is found", () => {
    fc.assert(
      fc.property(anchoredTrail, edits, ({ trail, anchored }, action) => {
        const items = toItems(trail);
        const edited = edit(items, action, anchored);
        const isSame = (left: Items, right: Items) =>
          JSON.stringify(left.slice(0, anchored)) === JSON.stringify(right.slice(0, anchored));
        fc.pre(!isSame(items, edited));
        const { findings } = verify(edited, [toHead(AuditEntry.parse(trail[anchored - 1]))]);
        expect(findings.length).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });

  test("a whole trail that was rewritten with fitting hashes is found by any anchor after the change", () => {
    fc.assert(
      fc.property(anchoredTrail, fc.nat(), ({ trail, anchored }, at) => {
        const changed = at % anchored;
        const facts = trail.map(({ sequence }) => (sequence === 1 ? start : vote(sequence)));
        const rewritten = link(
          facts.map((fact, index) =>
            index === changed ? { ...fact, at: "2026-01-02T00:00:01.000Z" } : fact,
          ),
        );
        const { findings } = verify(toItems(rewritten), [toHead(AuditEntry.parse(trail[anchored - 1]))]);
        expect(findings.map(({ kind }) => kind)).toEqual(["anchor differs"]);
      }),
      { numRuns: 30 },
    );
  });
});

test("the fields of an entry in another order, with other spaces, are the same entry", () => {
  const items = toItems(createTrail(4)).map(({ key, value }) => ({
    key,
    value: Object.fromEntries(Object.entries(value).toReversed()),
  }));
  expect(verifyTrail({ model, items: items as Items, heads: [] }).findings).toEqual([]);
});

test("another hash for the same sequence in one place is found, although the other anchors agree", () => {
  const trail = createTrail(3);
  const heads = trail.map(toHead);
  const { findings } = verify(toItems(trail), [
    ...heads,
    { sequence: 2, hash: "f".repeat(64), from: "registry", place: "tag of version 1", at: null },
  ]);
  expect(findings).toMatchObject([{ kind: "anchor differs", sequence: 2 }]);
  expect(findings[0]?.sentence).toContain("tag of version 1");
});

test("items that have no place in the trail, and a fact that is recorded twice, are found", () => {
  const [foreign] = toItems(link([start]));
  const items = toItems(link([start, vote(2), vote(2)]));
  const { findings } = verify(
    [...items, { ...foreign, key: { ...foreign?.key, sort: "x" } } as Items[number]],
    [],
  );
  expect(findings.map(({ sentence }) => sentence)).toEqual([
    'An item lies in the trail that has no place in it: "x".',
    "Entry 3 repeats the fact of entry 2: the trail records a fact once.",
  ]);
});

test("a trail with a decision and no anchor anywhere is a finding, one without a decision is not", () => {
  expect(verify(toItems(createTrail(2)), []).findings).toEqual([]);
  expect(verify(toItems(link([start, decision(1)])), []).findings).toMatchObject([
    { kind: "anchor missing" },
  ]);
  expect(verify([], []).findings).toEqual([]);
});
