import { expect, test } from "vitest";
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
