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

test("a wait is in the present tense while it lasts, and one that a person ended is not said to have ended with prod's opening", () => {
  const run = (ms: number | undefined): StateRun => ({
    ...{ state: "AwaitOpening", from: "2026-11-29T20:00:00.000Z", ms, verdict: undefined, retries: 0 },
    ...{ status: ms === undefined ? "running" : "succeeded", error: undefined, output: undefined },
  });
  const glass = (minute: number) => ({
    ...{ user: "U1", name: "Ada", reason: "prices", at: Date.UTC(2026, 10, 29, 20, minute) },
  });
  const say = (ms: number | undefined, breakGlass: ReturnType<typeof glass> | null) =>
    describeRun(run(ms), () => undefined, breakGlass);
  expect(say(undefined, null)).toBe("Waits until prod opens");
  expect(say(600_000, null)).toBe("Waited until prod opened");
  expect(say(600_000, glass(9))).toBe("Waited for prod to open, until Ada let it change prod nevertheless");
  expect(say(600_000, glass(11))).toBe("Waited until prod opened");
});
