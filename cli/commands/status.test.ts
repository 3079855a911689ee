import { expect, test } from "vitest";
import { describeApproval } from "./status.ts";

const approval = { id: "churn~1", delivery: "churn-1", expiresAt: "2026-11-30T12:30:00.000Z" };
const at = Date.parse(approval.expiresAt);

test("an approval whose time is over is expired, and not still needed, until its delivery is ended", () => {
  expect(describeApproval(approval, true, at + 24_000)).toBe(
    "churn-1 was not approved in time (churn~1): expired, being ended",
  );
  expect(describeApproval(approval, true, at - 1)).toMatch(
    /^churn-1 needs approval \(churn~1\) until 2026-11-30 12:30 UTC/,
  );
  expect(describeApproval(approval, false, at + 1)).toBe(
    "churn-1 needs approval (churn~1), once a rehearsal runs",
  );
});
