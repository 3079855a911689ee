import { describe, expect, test } from "vitest";
import { checkLabels } from "#domain/canary/canary-checks.ts";
import { checkScan } from "#domain/gates/check-scan.ts";
import { normalizeTranscript } from "./normalize-transcript.ts";

/** The messages and causes come from the product, so that a change of wording fails here and not an hour later. */
const normalizeMessage = (text: string) => normalizeTranscript({ outcome: undefined, messages: [[text]] });

test.each([1, 40])("a scan of %i packages reads like one of two packages", (npm) => {
  const describeScan = (scanned: number) =>
    checkScan({
      scan: { status: "complete", findings: [], scanned: { npm: scanned }, unknownEcosystems: ["npm"] },
      limits: { critical: 0, high: 5 },
    })
      .checks.map(({ detail }) => detail)
      .join("\n");
  expect(normalizeMessage(describeScan(npm))).toEqual(normalizeMessage(describeScan(2)));
});

describe("a failed canary", () => {
  const check = (verdict: string, name: string, detail: string) =>
    `:${verdict}: *canary ${name}* — ${detail}`;
  const early = [
    "1 failed · 9 passed · 3 inconclusive · 2 not checked",
    [
      check("x", "labels", "largest label shift: churn -100 pp (limit 30; 95 % interval -100 to -87)"),
      check("grey_question", "samples", "81 requests"),
      check("grey_question", "errors", "error rate 0 pp; a pass needs at least 73 requests"),
      check("grey_question", "latency p95", "challenger 9 ms (limit 1.5 × champion; or champion + 2000 ms)"),
    ].join("\n"),
  ];
  const late = [
    "1 failed · 12 passed · 2 not checked",
    check("x", "labels", "largest label shift: stay 84 pp (limit 30; 95 % interval -84.5 to -76.3)"),
  ];
  const normalize = (messages: readonly (readonly string[])[]) =>
    normalizeTranscript({ outcome: undefined, messages }).messages;

  test("reads alike whether its other checks passed by then or had too few requests", () => {
    expect(normalize([early])).toEqual(normalize([late]));
    expect(normalize([early])).toEqual([["1 failed · 12 did not fail · 2 not checked", "*canary labels*"]]);
  });
  test("differs from one whose other check failed, and from one with another number of checks", () => {
    const twoFailed = [late[0] ?? "", `${late[1]}\n${check("x", "errors", "error rate +9 pp")}`];
    const fewer = ["1 failed · 11 passed · 2 not checked", late[1] ?? ""];
    expect(normalize([twoFailed])).not.toEqual(normalize([late]));
    expect(normalize([fewer])).not.toEqual(normalize([late]));
  });
});

test("a page of a commit and the two ways to a difference read alike; a missing difference does not", () => {
  const commit = "Commit `5765c8e1f774`, author (unverified): Ada";
  const pages = " · <https://example.com/a|commit>";
  expect(normalizeMessage(commit + pages)).toEqual(normalizeMessage(commit));
  const difference = `${commit}${pages} · <https://example.com/b|difference to prod>`;
  const command = `${commit} · difference to prod: \`git -C folder diff a..b -- models\``;
  expect(normalizeMessage(difference)).toEqual(normalizeMessage(command));
  expect(normalizeMessage(difference)).not.toEqual(normalizeMessage(commit));
});

test("the cause of a failed canary does not say which of two labels has the larger shift", () => {
  const statistics = (labels: Readonly<Record<string, number>>) => ({
    requests: 1_000,
    failures: 0,
    unreported: 0,
    labels: new Map(Object.entries(labels)),
    latencyMs: [],
  });
  const causes = [
    { stay: 100, churn: 900 },
    { stay: 90, churn: 910 },
  ].flatMap((challenger) =>
    [
      ["stay", "churn"],
      ["churn", "stay"],
    ].map((labels) => {
      const arms = { champion: statistics({ stay: 500, churn: 500 }), challenger: statistics(challenger) };
      const cause = checkLabels(arms, 10, labels).detail;
      return normalizeTranscript({
        outcome: {
          delivery: "churn-1",
          model: "churn",
          commit: "0".repeat(40),
          outcome: "failed",
          at: 0,
          error: { name: "CanaryFailed", cause },
        },
        messages: [],
      });
    }),
  );
  expect(new Set(causes.map((cause) => JSON.stringify(cause))).size).toBe(1);
});
