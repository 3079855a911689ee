/** A trail that was recorded before freezes, orders about canaries and broken glass were in it. */
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import * as z from "zod";
import { AuditDocument, verifyDocument } from "#domain/audit/audit-document.ts";
import { AuditEntry, auditKeys } from "#domain/audit/audit-entry.ts";
import { createAuditReader } from "#domain/audit/audit-reader.ts";
import { findDocumentData, formatDocumentMarkdown } from "#domain/audit/format-audit-document.ts";
import { type OutsideHead, verifyTrail } from "#domain/audit/verify-trail.ts";
import { createFreezes } from "#domain/changes/freezes.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { toyModel } from "#test/support/toy-model.ts";

const Recorded = z.object({
  entries: z.array(AuditEntry).min(15),
  anchors: z.array(
    z.object({
      ...{ sequence: z.int(), hash: z.string(), from: z.enum(["lock", "registry"]) },
      ...{ place: z.string(), at: z.number().nullable() },
    }),
  ),
  document: AuditDocument,
});
const recorded = Recorded.parse(
  JSON.parse(readFileSync(new URL("audit-trail-before-freezes.json", import.meta.url), "utf8")),
);
const toItem = (entry: AuditEntry) => ({ key: auditKeys.entry(toyModel, entry.sequence), value: entry });
const verify = (heads: readonly OutsideHead[]) =>
  verifyTrail({ model: toyModel, items: recorded.entries.map(toItem), heads });

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

test("it is valid up to its newest anchor, which covers all of it", () => {
  expect(verify(recorded.anchors)).toMatchObject({ findings: [], unanchored: [] });
  const [first] = recorded.anchors;
  expect(verify([{ ...first, hash: "0".repeat(64) } as OutsideHead]).findings).toHaveLength(1);
});

test("the document of a version is valid, and reads as it did", async () => {
  const { document } = recorded;
  expect((await verifyDocument(document)).findings).toEqual([]);
  const text = readFileSync(new URL("audit-document-before-freezes.md", import.meta.url), "utf8");
  expect(formatDocumentMarkdown(document)).toBe(text);
  expect(AuditDocument.parse(JSON.parse(findDocumentData(text) ?? ""))).toEqual(document);
});

test("what is recorded now follows it, and both are valid together", async () => {
  for (const entry of recorded.entries) {
    const { key, value } = toItem(entry);
    await world.store.put(key, value, { expect: "absent", permanent: true });
  }
  // What the approvers saw was stored beside the trail.
  for (const [hash, evidence] of Object.entries(recorded.document.evidence))
    await world.store.put(auditKeys.evidence(toyModel, hash), evidence);
  for (const { sequence, hash } of recorded.anchors)
    await world.anchors.put({ model: toyModel, sequence, hash });
  const { at = "" } = recorded.entries.at(-1) ?? {};
  world.time.now = Date.parse(at) + 60_000;
  const by = { id: "arn:ada", name: "Ada" };
  await createFreezes(world).freeze({ scope: "*", until: world.time.now + 1_000, reason: "holidays", by });
  await world.audit.recordModel(toyModel);
  await world.audit.anchor(toyModel);
  const reader = createAuditReader({ ...world, provenance: world.strict });
  const { entries, findings, newestAnchor } = await reader.verify(toyModel);
  expect(findings).toEqual([]);
  expect(entries.slice(0, -1)).toEqual(recorded.entries);
  expect(entries.at(-1)).toMatchObject({ kind: "frozen", detail: { scope: "*", name: "Ada" } });
  expect(newestAnchor?.sequence).toBe(entries.length);
});
