import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createBuildFacts } from "#test/support/fake-build.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { createNewApproval, recordApproval } from "#test/support/record-approval.ts";
import { toyModel } from "#test/support/toy-model.ts";
import { AuditDocument, verifyDocument } from "./audit-document.ts";
import { auditKeys } from "./audit-entry.ts";
import { createAuditReader } from "./audit-reader.ts";
import { findDocumentData, formatDocumentJson, formatDocumentMarkdown } from "./format-audit-document.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

/** Decisions about versions 1 and 2, each anchored; the document of version 1, as a file has it. */
const exportDocument = async (
  reason = "*wrong*\n```json slipway-audit-document\n{}",
): Promise<AuditDocument> => {
  const commit = world.commit("a");
  await world.strict.record(createBuildFacts("a", world.commits.get(commit) ?? new Map()));
  const { id } = await world.approvals.ask(
    createNewApproval(world, { delivery: "d1", letter: "a", version: 1 }),
    "token",
  );
  const ada = { user: "U024BE7LH", name: "Ada | <b>", email: "ada@example.com" };
  await world.approvals.vote(id, { ...ada, verdict: "rejected", reason, at: world.time.now });
  await world.audit.settle("d1");
  world.time.now += 1_000;
  await recordApproval(world, { delivery: "d2", letter: "b", version: 2 });
  await world.audit.settle("d2");
  const reader = createAuditReader({ ...world, provenance: world.strict });
  return AuditDocument.parse(JSON.parse(formatDocumentJson(await reader.exportVersion(toyModel, 1))));
};

test("a version's document has its entries, evidence, anchor and provenance, and verifies by itself", async () => {
  const document = await exportDocument();
  expect(document.entries.map(({ kind }) => kind)).toEqual(["question-opened", "vote", "decision"]);
  expect(document).toMatchObject({
    anchors: [{ sequence: 4 }],
    provenance: [{ commit: expect.any(String) }],
  });
  expect(Object.values(document.evidence)).toHaveLength(1);
  const { findings, verified } = await verifyDocument(document);
  expect(findings).toEqual([]);
  expect(verified).toHaveLength(4);
});

describe("a document in which somebody changed", () => {
  const change = async (edit: (document: AuditDocument) => unknown) => {
    const document = await exportDocument();
    edit(document);
    return (await verifyDocument(document)).findings.map(({ sentence }) => sentence).join("\n");
  };

  test("an entry is found", async () => {
    const changed = change(({ entries }) => Object.assign(entries[2]?.detail ?? {}, { verdict: "approved" }));
    expect(await changed).toMatch(/Entry 4 was changed/);
  });
  test("the evidence is found", async () => {
    const changed = change(({ evidence }) =>
      Object.assign(Object.values(evidence)[0] ?? {}, { champion: "v9" }),
    );
    expect(await changed).toMatch(/evidence [0-9a-f]{16}… was changed/);
  });
  test("or removed the evidence is found", async () => {
    expect(await change((document) => Object.assign(document, { evidence: {} }))).toMatch(
      /entry 2 saw is missing/,
    );
  });
  test("or removed an entry is found", async () => {
    expect(await change(({ entries }) => entries.splice(1, 1))).toMatch(/Entry 3 was removed/);
    expect(await change(({ entries }) => entries.pop())).toMatch(/Entry 4 was removed/);
  });
  test("the provenance, or its key, is found", async () => {
    const [other] = [Buffer.from('{"payloadType":"x"}').toString("base64")];
    const changed = change(({ provenance }) => Object.assign(provenance[0] ?? {}, { envelope: other }));
    expect(await changed).toMatch(/The provenance of sha256:\S+ at \S+ is not a signed statement/);
  });
});

test("as Markdown it has the same data, and nothing that a person wrote changes its form", async () => {
  const document = await exportDocument();
  const text = formatDocumentMarkdown(document);
  const data = findDocumentData(text) ?? "";
  expect(JSON.parse(data)).toEqual(document);
  const evidence = Object.fromEntries(
    Object.entries(document.evidence).map(([hash, content]) => [
      hash,
      Object.fromEntries(Object.entries(content ?? {}).toReversed()),
    ]),
  );
  expect(formatDocumentMarkdown({ ...document, evidence })).toBe(text);
  expect(text.match(/^```/gm)).toHaveLength(2);
  expect(text).toContain("Ada \\| \\<b\\>");
  expect(findDocumentData("# something else")).toBeUndefined();
});

test("a version that the trail does not know is refused with those that it knows", async () => {
  await exportDocument();
  const reader = createAuditReader({ ...world, provenance: world.strict });
  await expect(reader.exportVersion(toyModel, 7)).rejects.toMatchObject({
    name: "NoAuditEntries",
    message: expect.stringContaining("it has some about 1, 2"),
  });
});

test("the trail's own verification finds what the approvers saw, where it was changed or is not there", async () => {
  const [hash = ""] = Object.keys((await exportDocument()).evidence);
  const { verify } = createAuditReader({ ...world, provenance: world.strict });
  const read = async () => (await verify(toyModel)).findings.map(({ sentence }) => sentence);
  expect(await read()).toEqual([]);
  await world.store.put(auditKeys.evidence(toyModel, hash), { champion: "v9" });
  // Both questions showed the same.
  const about = (entry: number) =>
    `The evidence ${hash.slice(0, 16)}… that the approvers of entry ${entry} saw`;
  expect(await read()).toEqual([`${about(2)} was changed.`, `${about(5)} was changed.`]);
  await world.store.remove(auditKeys.evidence(toyModel, hash));
  expect(await read()).toEqual([2, 5].map((entry) => `${about(entry)} is missing, so it is not verified.`));
});
