import { expect, test } from "vitest";
import { readStateWait } from "./read-state-wait.ts";

test("a closed or busy prod is what a delivery waits for, with its end where one is known", () => {
  const until = Date.UTC(2026, 11, 27, 8);
  const why = "churn is frozen by kim: release week";
  expect(readStateWait("ClaimProd", { ClaimProd: { status: "held", why, until, waitSeconds: 60 } })).toEqual({
    why: `prod is closed: ${why}`,
    until,
  });
  expect(readStateWait("ClaimProd", { ClaimProd: { status: "busy", holder: "churn-1" } })).toEqual({
    why: "prod is held by churn-1",
    until: null,
  });
  expect(readStateWait("JudgeCanary", { JudgeCanary: { next: "hold", waitSeconds: 60 } })?.why).toMatch(
    /canary keeps its share/,
  );
});

test("a state that lets its delivery go on is no wait, and neither is the wait of an earlier state", () => {
  const output = { ClaimProd: { status: "busy", holder: "churn-1" }, JudgeCanary: { next: "shift" } };
  for (const state of ["DeployProd", "JudgeCanary"]) expect(readStateWait(state, output)).toBeUndefined();
  expect(readStateWait("ClaimProd", { ClaimProd: { status: "granted", fence: 1 } })).toBeUndefined();
  expect(readStateWait("ClaimProd", undefined)).toBeUndefined();
});
