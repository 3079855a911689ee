import { expect, test } from "vitest";
import type { AuditEntry } from "#domain/audit/audit-entry.ts";
import { toAuditTrail } from "./to-audit-trail.ts";

const entry = (sequence: number, kind: string, detail: Record<string, unknown>) =>
  ({
    ...{ sequence, kind, detail, model: "churn", delivery: "churn-1", version: 2, fact: `fact ${sequence}` },
    ...{ at: "2026-11-21T12:00:00.000Z", previous: "0".repeat(64), hash: `${sequence}`.padStart(64, "a") },
  }) as AuditEntry;

test("freezes, broken glass and orders about canaries say who, until when and why", () => {
  const person = { user: "U1", name: "Ada" };
  const until = "2026-12-27T08:00:00.000Z";
  const frozenAt = "2026-12-20T08:00:00.000Z";
  const glass = { ...person, approval: "churn~1", reason: "prices" };
  const closures = [
    entry(1, "frozen", { ...person, scope: "*", until, reason: "holidays" }),
    entry(2, "unfrozen", { ...person, scope: "churn", frozenAt, until }),
    entry(3, "break-glass", { ...glass, closure: "all models are frozen" }),
    entry(4, "break-glass", { ...glass, closure: null }),
    entry(5, "canary-order", { ...person, order: "hold", until, reason: "scores" }),
    entry(6, "canary-order", { ...person, order: "go", until: null, reason: null }),
    entry(7, "canary-order", { ...person, order: "abort", until: null, reason: "drift", via: "slack" }),
    entry(8, "break-glass", { ...glass, closure: null, via: "command", account: "arn:ada" }),
  ];
  const shown = toAuditTrail({
    ...{ entries: closures, newestAnchor: null, unanchored: [], findings: [] },
  }).entries.toReversed();
  expect(shown.map(({ who }) => who)).toEqual(closures.map(() => "Ada"));
  expect(shown.map(({ what }) => what.replace(" (v2, churn-1)", ""))).toEqual([
    `all models until ${until}: holidays`,
    `churn, the freeze until ${until} of ${frozenAt}`,
    "let it change prod although all models are frozen: prices",
    "let it change prod although it was closed: prices",
    `hold until ${until}: scores`,
    "go",
    "abort in Slack: drift",
    "let it change prod by the command line, as arn:ada although it was closed: prices",
  ]);
});
