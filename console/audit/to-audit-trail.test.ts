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
  const trail = toAuditTrail({ entries, newestAnchor: anchor, unanchored: [3], findings: [] });
  expect(trail.entries).toMatchObject([
    { sequence: 3, who: null, what: "speed 5 (v2, churn-1)" },
    { sequence: 2, who: "Ada", what: "rejected: wrong prices (v2, churn-1)" },
    { sequence: 1, who: "Ada", what: "rejected (v2, churn-1)", at: Date.UTC(2026, 10, 21, 12) },
  ]);
  expect(trail.verification).toEqual({
    ...{ status: "verified", unanchored: 1 },
    anchor: { sequence: 2, where: "the bucket" },
  });
});

test("each finding is told, and a trail with one is not verified", () => {
  const findings = [
    { kind: "removed", sequence: 2, sentence: "Entry 2 is missing." },
    { kind: "foreign", sequence: null, sentence: "An item has no place." },
  ] as const;
  expect(toAuditTrail({ entries, newestAnchor: null, unanchored: [], findings }).verification).toEqual({
    status: "broken",
    problem: "Entry 2 is missing. An item has no place.",
    sequences: [2],
  });
});

test.each([
  ["trail-started", { before: null }, "prod served nothing before"],
  ["trail-started", { before: { version: 1 } }, "prod served v1 before, which is not in the trail"],
  ["deployed", { version: 2, percent: 10 }, "10 % of prod's traffic"],
  ["promoted", { version: 2, digest: "sha256:1", approvedBy: ["U1"] }, "all of prod's traffic"],
  ["rolled-back", { by: "Ada: wrong prices", from: { version: 2 }, to: { version: 1 } }, "v2 → v1"],
  ["rolled-back", { by: null, from: { version: 2 }, to: null }, "v2 → nothing"],
  ["vote", { user: "U1", name: "Ada", verdict: "approved", via: "slack" }, "approved in Slack"],
  [
    "vote",
    { user: "U1", name: "U1", verdict: "approved", via: "command", account: "root" },
    "approved by the command line, as root",
  ],
  [
    "delivery-ended",
    { outcome: "superseded", error: null, rolledBackBy: "ada: wrong" },
    "rolled back by ada: wrong",
  ],
  ["question-withdrawn", { approval: "a", reason: "prod changed" }, "prod changed"],
  ["question-expired", { approval: "a" }, "nobody decided in time"],
  ["delivery-ended", { outcome: "promoted", error: null }, "promoted"],
  [
    "delivery-ended",
    { outcome: "failed", error: { name: "GateFailed", cause: "accuracy 0.7" } },
    "failed: GateFailed, accuracy 0.7",
  ],
])("%s reads as a sentence, not as its fields: %o", (kind, detail, what) => {
  const { entries } = toAuditTrail({
    ...{ entries: [entry(1, kind, detail)], newestAnchor: null, unanchored: [], findings: [] },
  });
  expect(entries[0]?.what).toBe(`${what} (v2, churn-1)`);
});

test("who voted, decided, ordered or broke the glass keeps the account, whose display name the page shows", () => {
  const read = (kind: string, detail: Record<string, unknown>) =>
    toAuditTrail({
      ...{ entries: [entry(1, kind, detail)], newestAnchor: null, unanchored: [], findings: [] },
    }).entries[0]?.people;
  const ada = { user: "U1", name: "ada" };
  for (const kind of ["vote", "canary-order", "break-glass"]) expect(read(kind, ada)).toEqual([ada]);
  expect(read("decision", { by: [{ ...ada, at: "" }], reason: null })).toEqual([ada]);
  expect(read("rolled-back", { by: "ada: wrong prices" })).toBeUndefined();
  expect(read("trail-started", { before: null })).toBeUndefined();
});
