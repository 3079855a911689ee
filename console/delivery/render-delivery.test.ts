import { expect, test } from "vitest";
import { failedDelivery, failedHistory } from "#test/support/desk/sample-deliveries.ts";
import { renderDelivery } from "./render-delivery.ts";

test("groups of checks with one that did not pass come first, whatever ran first", async () => {
  const { body } = renderDelivery(
    {
      ...{ delivery: "d", model: "churn", execution: failedDelivery, history: failedHistory, questions: [] },
      ...{ stage: null, prod: null, serving: null, outcome: null, rolledBack: null, bakeSeconds: null },
      ...{ hold: null, closed: null, control: null },
    },
    {
      links: { base: "/console", command: (command) => command },
      now: Date.parse("2026-11-21T14:00:00Z"),
      hasAudit: false,
    },
  );
  const page = String(await body);
  // The scan ran first and passed; the gate on stage failed.
  expect(page.indexOf("On stage")).toBeGreaterThan(0);
  expect(page.indexOf("On stage")).toBeLessThan(page.indexOf("Image scan"));
});
