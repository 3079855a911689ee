import { expect, test } from "vitest";
import { sampleCanary } from "#test/support/sample-canary.ts";
import { formatCanaryLine, formatJudgement } from "./format-canary-line.ts";

const startedAt = Date.UTC(2026, 10, 29, 20);
const minute = 60_000;

test("a canary is one line: its share, what comes next, its samples against those needed, both versions", async () => {
  const facts = await sampleCanary(startedAt, 20);
  const line = formatCanaryLine(facts, startedAt + 20 * minute);
  expect(line).toMatch(
    /^churn v3 at 10 % \(step 1 of 2\) · next judgement in 10 min · \d+\/381 requests · errors [\d.]+ % \(prod [\d.]+ %\) · p95 [\d.]+ ms \(prod [\d.]+ ms\)$/,
  );
  expect(line).not.toContain("\n");
});

test("a judgement is one line with its verdict and what followed; a measurement between two is none", async () => {
  const { looks } = await sampleCanary(startedAt, 30);
  const lines = looks.flatMap((look) => formatJudgement("churn", look) ?? []);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(
    /^2026-11-29T20:30:00.000Z churn at 10 %: (pass|inconclusive).* → (shift|bake) · /,
  );
});

test("a hold and an abort name who and why", async () => {
  const facts = await sampleCanary(startedAt, 5);
  const now = startedAt + 5 * minute;
  const by = { by: "U1", name: "Ada", at: now };
  const hold = { ...by, until: now + 60 * minute, endedAt: null, reason: "a sale" };
  expect(formatCanaryLine({ ...facts, status: "held", hold }, now)).toMatch(
    /held by Ada for another 1 h: a sale/,
  );
  const abort = { ...by, reason: "customers complain" };
  expect(formatCanaryLine({ ...facts, status: "aborting", abort }, now)).toMatch(
    /aborted by Ada: customers complain/,
  );
});

test("80 columns show what comes next, who holds it, and for how long", async () => {
  const facts = await sampleCanary(startedAt, 20);
  const now = startedAt + 20 * minute;
  const hold = { by: "U1", name: "Ada", at: now, until: now + 60 * minute, endedAt: null, reason: "a sale" };
  expect(formatCanaryLine(facts, now).slice(0, 79)).toContain("next judgement in 10 min");
  expect(formatCanaryLine({ ...facts, status: "held", hold }, now).slice(0, 79)).toContain(
    "held by Ada for another 1 h",
  );
});

test.each([50, 80, 120])(
  "at %i columns the line fits, and is cut between two words with a mark",
  async (columns) => {
    const facts = await sampleCanary(startedAt, 40);
    const looks = facts.looks.map((look) => ({
      ...look,
      judged: look.judged && {
        ...look.judged,
        verdict: "inconclusive" as const,
        checks: look.judged.checks.map((check) => ({
          ...check,
          verdict: check.name === "canary latency p95" ? ("inconclusive" as const) : ("pass" as const),
        })),
      },
    }));
    const asked = { ...facts, looks, percent: looks.at(-1)?.percent ?? 0 };
    const now = startedAt + 40 * minute;
    const full = formatCanaryLine(asked, now);
    expect(full).toMatch(/next judgement in 20 min · last: inconclusive \(latency p95\) · \d+\/381 requests/);
    const line = formatCanaryLine(asked, now, columns - 1);
    expect(line.length).toBeLessThanOrEqual(columns - 1);
    expect(line).toMatch(/^churn v3 at 10 %.*judge.* in 20 min/);
    if (columns >= 80) expect(line).toContain("last: inconclusive (latency p95)");
    const words = full.replace("(step 1 of 2) ", "").replace("next judgement", "judged").split(" ");
    expect(line.endsWith(" …")).toBe(true);
    expect(line).not.toMatch(/last:? …$/);
    // Every word is whole.
    for (const word of line.slice(0, -2).split(" ")) expect(words.join(" ")).toContain(word);
  },
);
