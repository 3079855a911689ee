import { expect, test } from "vitest";
import { describeRun } from "./describe-run.ts";
import type { StateRun } from "./read-state-runs.ts";

const describe = (state: string, output: object, verdict?: StateRun["verdict"]) =>
  describeRun(
    {
      ...{ state, from: "2026-11-29T20:00:00.000Z", ms: 20, status: "succeeded", verdict, retries: 0 },
      error: undefined,
      output: { [state]: { ...output } },
    },
    () => undefined,
  );

test("a claim of prod says what it waits for, and is not called a claim before it is one", () => {
  const held = { status: "held", why: "churn is frozen by kim: release week", until: null, waitSeconds: 60 };
  expect(describe("ClaimProd", held)).toBe("Prod is closed: churn is frozen by kim: release week");
  expect(describe("ClaimProd", { status: "busy", holder: "churn-2" })).toBe("Prod is held by churn-2");
  expect(describe("ClaimProd", { status: "granted", fence: 4 })).toBe("Claimed prod");
});

test("a scan without advisories is not inconclusive: nothing was checked", () => {
  const omitted = [{ name: "vulnerabilities", why: "no advisories for npm" }];
  expect(describe("ScanImage", { verdict: "inconclusive", checks: [], omitted }, "inconclusive")).toBe(
    "The image was not checked: no advisories for npm",
  );
  const checks = [{ name: "critical vulnerabilities", verdict: "inconclusive" }];
  expect(describe("ScanImage", { verdict: "inconclusive", checks, omitted }, "inconclusive")).toBe(
    "Scanned the image: inconclusive",
  );
});

test("a version that prod closed to before its first request is not said to have got any", () => {
  const error = { name: "ProdClosed", cause: "prod closed" };
  for (const state of ["ShiftTraffic", "PromoteModel"])
    expect(
      describeRun(
        {
          ...{
            state,
            from: "2026-11-29T20:00:00.000Z",
            ms: 20,
            status: "failed",
            verdict: undefined,
            retries: 0,
          },
          ...{ error, output: {} },
        },
        () => undefined,
      ),
    ).toBe("Prod closed before it had any traffic");
});
