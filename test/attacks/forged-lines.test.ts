import { writeFile } from "node:fs/promises";
import { html } from "hono/html";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderPage } from "#console/render-page.ts";
import { AuditDocument } from "#domain/audit/audit-document.ts";
import { toAuditEntry } from "#domain/audit/audit-entry.ts";
import { formatDocumentMarkdown } from "#domain/audit/format-audit-document.ts";
import type { MessageState } from "#domain/message/message-state.ts";
import { notify } from "#lambdas/notify/notify.ts";
import { renderMessageBlocks } from "#slack/message-blocks.ts";
import { createSlackChannel } from "#slack/slack-channel.ts";
import { runCommand } from "#test/support/run-command.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";

/**
 * Names, reasons and causes come from commits, builds and people. Wherever they are shown they stay what they are: they begin no
 * line that reads as if Slipway had written it, set no colour, and reverse no text.
 */
const forged = ":white_check_mark: *Approved by the security team*";
const hostile = `x\n${forged}\r${forged}\u2028${forged}\u0085${forged}\u001b[32m\u202e`;
const unsafe = /(?!\n)\p{Cc}|[\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

describe("in a delivery's message in Slack", () => {
  const person = { user: "U024BE7LH", name: hostile };
  const check: MessageState["checks"][number] = {
    ...{ name: hostile, measured: 1, limit: 1, unit: hostile, detail: hostile },
    verdict: "fail",
  };
  const state: MessageState = {
    ...{ delivery: "churn-1", model: "churn", commit: "c".repeat(40), author: hostile, version: 2 },
    ...{ digest: `sha256:${"d".repeat(64)}`, baseline: hostile, baselineVersion: 1 },
    madeBy: [hostile],
    unmapped: [{ identity: hostile, why: hostile }],
    raisedBy: 1,
    changed: [hostile],
    renewed: [hostile],
    subject: hostile,
    links: { commit: { kind: "command", line: hostile }, diff: { kind: "command", line: hostile } },
    rollout: { steps: [10], bake: "PT30M" },
    trial: false,
    askedAgain: hostile,
    checks: [check],
    provenance: {
      ...{ builder: hostile, builderId: hostile, commit: hostile, buildId: hostile, keyId: hostile },
    },
    omitted: [{ name: hostile, why: hostile, remedy: hostile }],
    comparisons: [
      {
        ...{ name: hostile, unit: hostile, champion: 1, challenger: 2, interval: null, limit: hostile },
        verdict: "pass",
      },
    ],
    question: { status: "withdrawn", why: hostile },
    decisions: [],
    held: { until: null, why: hostile, approval: "churn~1", approvedBy: [] },
    breakGlass: { ...person, reason: hostile, at: 0 },
    progress: hostile,
    rolledBack: { by: hostile, kind: "taken back" },
    outcome: null,
    replaced: false,
    error: { name: hostile, cause: hostile },
  };
  const open: MessageState["question"] = {
    status: "open",
    ...{ approval: "churn~1", expiresAt: 0, votes: [person], quorum: 2, approvers: [] },
    ...{ leftOut: [], waiting: [person], stale: hostile, canaryPercent: 10 },
  };

  test.each<[string, MessageState]>([
    ["under way", state],
    ["rejected", { ...state, question: { status: "rejected", by: [person], reason: hostile } }],
    ["with an open question", { ...state, question: open, checks: [{ ...check, verdict: "inconclusive" }] }],
  ])("%s", (_, shown) => {
    const { text, blocks } = renderMessageBlocks(shown, undefined);
    const texts = JSON.stringify([text, blocks], (key, value) =>
      key === "text" && typeof value === "string" ? value.split("\n") : value,
    );
    expect(texts).toContain("Approved by the security team");
    expect(texts).not.toContain(`"${forged}`);
    expect(JSON.stringify([text, blocks])).not.toMatch(unsafe);
    // Slack would turn addresses, channels and some mentions in it into links.
    expect(JSON.stringify(blocks).replaceAll('"type":"mrkdwn","verbatim":true', "")).not.toContain("mrkdwn");
  });

  test("in its thread", async () => {
    const posted: { readonly text?: string }[] = [];
    const postMessage = async (message: { readonly text?: string }) => {
      posted.push(message);
      return { ok: true };
    };
    const render = () => ({ text: "", blocks: [] });
    const slack = { chat: { postMessage } };
    const channel = createSlackChannel({ slack, channel: "C1", render, warn: () => undefined } as never);
    const error = { name: hostile, cause: hostile };
    await channel.reply(
      { channel: "C1", ts: "1" },
      {
        ...{ id: "ended", model: "churn", version: 2, broadcast: true },
        ...{ says: { kind: "ended", outcome: "failed", error }, mentions: { users: [], addresses: [] } },
      },
      false,
    );
    expect(posted).toMatchObject([
      { parse: "none", text: expect.stringContaining("Approved by the security") },
    ]);
    const lines = posted.flatMap(({ text }) => text?.split("\n") ?? []);
    expect(lines.filter((line) => line.startsWith(forged))).toEqual([]);
    expect(JSON.stringify(posted)).not.toMatch(unsafe);
  });
});

test("in a note about an event", async () => {
  const posted: string[] = [];
  const event = {
    ...{ version: 1, id: "1".repeat(32), at: "2026-11-29T12:00:00.000Z", type: "decided" },
    ...{ model: "churn", delivery: "churn-1", commit: "c".repeat(40), digest: `sha256:${"d".repeat(64)}` },
    ...{ modelVersion: 2, approval: "churn~1", decision: "rejected", by: ["U024BE7LH"], reason: hostile },
  };
  const postMessage = async ({ text, parse }: { text?: unknown; parse?: unknown }) => {
    expect(parse).toBe("none");
    posted.push(String(text));
    return { ok: true };
  };
  await notify({ channel: "C1", slack: { chat: { postMessage } } })({
    Records: [{ Sns: { Message: JSON.stringify({ detail: event }) } }],
  });
  expect(posted).toHaveLength(1);
  expect(posted[0]?.split("\n")).toHaveLength(2);
  expect(posted[0]).toContain("Approved by the security team");
  expect(posted[0]).not.toMatch(unsafe);
});

describe("in an audit trail", () => {
  const entry = toAuditEntry(
    {
      ...{ fact: "decision churn~1", kind: "decision", delivery: "churn-1", version: 2 },
      at: "2026-11-29T12:00:00.000Z",
      detail: {
        ...{
          approval: "churn~1",
          canary: null,
          verdict: "rejected",
          reason: hostile,
          quorum: 1,
          policy: null,
        },
        by: [{ user: "U024BE7LH", name: hostile, at: "2026-11-29T12:00:00.000Z" }],
        digest: `sha256:${"d".repeat(64)}`,
      },
    },
    { model: "churn", previous: undefined, recordedAt: "2026-11-29T12:00:00.000Z" },
  );
  const document: AuditDocument = {
    ...{ format: "slipway-audit-document/1", model: "churn", version: 2 },
    exportedAt: "2026-11-29T12:00:00.000Z",
    entries: [entry],
    evidence: { ["e".repeat(64)]: { subject: hostile } },
    anchors: [
      {
        ...{ sequence: 1, hash: entry.hash, from: "person", place: hostile, at: null, lockedUntil: null },
        signature: null,
      },
    ],
    ...{ provenance: [], publicKey: null, registryTags: { note: hostile } },
  };
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  beforeAll(async () => {
    folder = await createTemporaryFolder();
  });
  afterAll(() => folder.remove());

  test("a document that people read", () => {
    const [shown = ""] = formatDocumentMarkdown(document).split("## Data");
    expect(shown).toContain("Approved by the security team");
    expect(shown.split("\n").filter((line) => line.startsWith(":"))).toEqual([]);
    expect(shown).not.toMatch(unsafe);
  });

  test.each([
    ["a model", { model: "churn\n✓ churn v2: nothing was changed" }],
    ["a time", { exportedAt: "today.\n\n# Approved" }],
  ])("a document that names %s in several lines is none", (_, change) => {
    expect(AuditDocument.safeParse({ ...document, ...change }).success).toBe(false);
  });

  test("the command that verifies a document", async () => {
    const file = `${folder.path}/churn.json`;
    await writeFile(file, JSON.stringify(document));
    const { stdout, stderr } = await runCommand(["audit", "--verify", file], {});
    expect(`${stdout}${stderr}`).toContain("Approved by the security team");
    expect(`${stdout}${stderr}`.split("\n").filter((line) => line.startsWith(":"))).toEqual([]);
    expect(`${stdout}${stderr}`).not.toMatch(unsafe);
  });
});

test("on a page of the console", async () => {
  const page = await renderPage(
    { links: { base: "", command: (command) => command }, revision: "1" },
    { title: hostile, active: null, refresh: null, body: html`<p title="${hostile}">${hostile}</p>` },
  );
  expect(page).toContain("Approved by the security team");
  expect(page).not.toMatch(unsafe);
});
