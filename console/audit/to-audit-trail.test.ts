import { expect, test } from "vitest";
import type { AuditEntry } from "#domain/audit/audit-entry.ts";
import { toAuditTrail } from "./to-audit-trail.ts";

const entry = (sequence: number, kind: string, detail: Record<string, unknown>) =>
  ({
    ...{ sequence, kind, detail, model: "churn", delivery: "churn-1", version: 2, fact: `fact ${sequence}` },
    ...{ at: "2026-11-21T12:00:00.000Z", previous: "0".repeat(64), hash: `${sequence}`.padStart(64, "a") },
  }) as AuditEntry;
const entries = [
  entry(1, "vote", { user: "U1", name: "Ada", approval: "churn~1", verdict: "rejected" }),
  entry(2, "decision", { verdict: "rejected", by: [{ user: "U1", name: "Ada" }], reason: "wrong prices" }),
  entry(3, "a later kind", { speed: 5, nothing: null }),
];
const anchor = { sequence: 2, hash: "a", from: "lock", place: "the bucket", at: null } as const;

test("the newest entry comes first, with who and what, also of kinds that this release does not know", () => {
  const verified = { entries, newestAnchor: anchor, unanchored: [3], findings: [] };
  const trail = toAuditTrail(verified, "compared");
  expect(trail.entries).toMatchObject([
    { sequence: 3, who: null, what: "speed 5 (v2, churn-1)" },
    { sequence: 2, who: "Ada", what: "rejected: wrong prices (v2, churn-1)" },
    { sequence: 1, who: "Ada", what: "rejected (v2, churn-1)", at: Date.UTC(2026, 10, 21, 12) },
  ]);
  expect(trail.verification).toEqual({
    status: "verified",
    anchor: { sequence: 2, where: "the bucket" },
    unanchored: 1,
  });
  expect(trail.tags).toBe("compared");
});

test("each finding is told, and a trail with one is not verified", () => {
  const findings = [
    { kind: "removed", sequence: 2, sentence: "Entry 2 is missing." },
    { kind: "foreign", sequence: null, sentence: "An item has no place." },
  ] as const;
  const broken = { entries, newestAnchor: null, unanchored: [], findings };
  expect(toAuditTrail(broken, "compared").verification).toEqual({
    status: "broken",
    problem: "Entry 2 is missing. An item has no place.",
  });
});

test("freezes, broken glass and orders about canaries say who, until when and why", () => {
  const person = { user: "U1", name: "Ada" };
  const until = "2026-12-27T08:00:00.000Z";
  const frozenAt = "2026-12-20T08:00:00.000Z";
  const closures = [
    entry(1, "frozen", { ...person, scope: "*", until, reason: "holidays" }),
    entry(2, "unfrozen", { ...person, scope: "churn", frozenAt, until }),
    entry(3, "break-glass", {
      ...person,
      approval: "churn~1",
      reason: "prices",
      closure: "all models are frozen",
    }),
    entry(4, "break-glass", { ...person, approval: "churn~1", reason: "prices", closure: null }),
    entry(5, "canary-order", { ...person, order: "hold", until, reason: "scores" }),
    entry(6, "canary-order", { ...person, order: "go", until: null, reason: null }),
  ];
  const none = { newestAnchor: null, unanchored: [], findings: [] };
  const shown = toAuditTrail({ entries: closures, ...none }, "compared").entries.toReversed();
  expect(shown.map(({ who }) => who)).toEqual(closures.map(() => "Ada"));
  expect(shown.map(({ what }) => what.replace(" (v2, churn-1)", ""))).toEqual([
    `all models until ${until}: holidays`,
    `churn, the freeze until ${until} of ${frozenAt}`,
    "let it change prod although all models are frozen: prices",
    "let it change prod although it was closed: prices",
    `hold until ${until}: scores`,
    "go",
  ]);
});
