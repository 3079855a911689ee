import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { createTerminalReporter, type EmbeddedWorldEvent } from "./reporter.ts";

const churn = "churn-0123456789ab-01234567";
const transit = "transit-time-0123456789ab-89abcdef";
const state = (
  delivery: string,
  name: string,
  more: Partial<Extract<EmbeddedWorldEvent, { event: "state" }>> = {},
): EmbeddedWorldEvent => ({
  event: "state",
  delivery,
  state: name,
  status: "succeeded",
  ms: 20,
  ...more,
});
const render = (...events: readonly EmbeddedWorldEvent[]): readonly string[] => {
  const lines: string[] = [];
  const reporter = createTerminalReporter((text) =>
    lines.push(...stripVTControlCharacters(text).trimEnd().split("\n")),
  );
  for (const event of events) reporter.event(event);
  return lines.filter((line) => line !== "");
};

test("VerifyStage is not green when a gate failed, and names the gate", () => {
  expect(
    render(
      state(churn, "VerifyStage", { verdict: "fail", failed: ["auc", "p95 latency"] }),
      state(churn, "VerifyStage", { verdict: "inconclusive", failed: [] }),
      state(churn, "VerifyStage", { verdict: "pass", failed: [] }),
    ),
  ).toEqual([
    "  ✗ VerifyStage      20 ms failed: auc, p95 latency",
    "  ? VerifyStage      20 ms inconclusive",
    "  ✓ VerifyStage      20 ms",
  ]);
});

test("what was not checked says so, why and what to do, and is not called inconclusive", () => {
  const omitted = [
    {
      name: "vulnerabilities",
      why: "no advisories for npm",
      remedy: "Load them with `npm run advisories`.",
    },
  ];
  expect(render(state(churn, "ScanImage", { verdict: "inconclusive", failed: [], omitted }))).toEqual([
    "  – ScanImage        20 ms not checked: vulnerabilities (no advisories for npm)",
    "      → Load them with `npm run advisories`.",
  ]);
});

test("of two deliveries of one model each line names its delivery, because the model alone tells nothing", () => {
  const second = "churn-fedcba987654-01234567";
  expect(
    render(
      state(churn, "ClaimStage"),
      state(second, "ClaimStage"),
      state(churn, "BuildImage"),
      { event: "outcome", delivery: churn, outcome: "superseded" },
      state(second, "BuildImage"),
    ),
  ).toEqual([
    "  ✓ ClaimStage       20 ms",
    `  ✓ ${second}  ClaimStage       20 ms`,
    `  ✓ ${churn}  BuildImage       20 ms`,
    `  ${churn}  superseded`,
    "  ✓ churn  BuildImage       20 ms",
  ]);
});

test("a failed state is one line, also where the machine catches its error", () => {
  expect(
    render(
      state(churn, "BuildImage", { status: "failed" }),
      state(churn, "BuildImage", { status: "caught" }),
      state(churn, "RollBack"),
      state(churn, "VerifyStage", { status: "caught" }),
    ),
  ).toEqual(["  ✗ BuildImage       20 ms", "  ✓ RollBack         20 ms", "  ! VerifyStage      20 ms"]);
});

test("a delivery that waits says once for what, however often its states look again", () => {
  const waits = (why: string) => state(churn, "ClaimProd", { waits: { why, until: null } });
  const frozen = {
    waits: { why: "prod is closed: churn is frozen by kim: release week", until: Date.UTC(2026, 11, 27, 8) },
  };
  expect(
    render(
      state(churn, "ClaimProd", frozen),
      state(churn, "AwaitOpening"),
      state(churn, "ClaimProd", frozen),
      state(churn, "AwaitOpening"),
      waits("prod is held by churn-2"),
      state(churn, "AwaitProd"),
      waits("prod is held by churn-2"),
      state(churn, "AwaitProd"),
      state(churn, "ClaimProd"),
      waits("prod is held by churn-2"),
    ),
  ).toEqual([
    "  … ClaimProd        waits: prod is closed: churn is frozen by kim: release week; until 2026-12-27 08:00 UTC",
    "  … ClaimProd        waits: prod is held by churn-2",
    "  ✓ ClaimProd        20 ms",
    "  … ClaimProd        waits: prod is held by churn-2",
  ]);
});

test("the rounds of a bake are one line, and only a judgement says what it found", () => {
  const bake = state(churn, "Bake", { ms: 5_000 });
  const round = state(churn, "JudgeCanary");
  expect(
    render(
      state(churn, "ShiftTraffic"),
      ...[bake, round, bake, round, bake],
      state(churn, "JudgeCanary", { verdict: "inconclusive" }),
      bake,
      state(churn, "JudgeCanary", { status: "failed" }),
    ),
  ).toEqual([
    "  ✓ ShiftTraffic     20 ms",
    "  ✓ Bake             15.0 s",
    "  ? JudgeCanary      20 ms inconclusive",
    "  ✓ Bake             5.0 s",
    "  ✗ JudgeCanary      20 ms",
  ]);
});

test("lines name their model from the second model on until no delivery is on its way", () => {
  expect(
    render(
      state(churn, "ClaimStage"),
      state(transit, "ClaimStage"),
      state(churn, "BuildImage"),
      { event: "outcome", delivery: churn, outcome: "rejected" },
      state(transit, "BuildImage"),
      { event: "outcome", delivery: transit, outcome: "promoted" },
      state(churn, "ClaimStage"),
    ),
  ).toEqual([
    "  ✓ ClaimStage       20 ms",
    "  ✓ transit-time  ClaimStage       20 ms",
    "  ✓ churn         BuildImage       20 ms",
    "  churn         rejected",
    "  ✓ transit-time  BuildImage       20 ms",
    "  transit-time  promoted",
    "  ✓ ClaimStage       20 ms",
  ]);
});

test("a delivery that a rollback ended says by whom and why", () => {
  expect(
    render({
      event: "outcome",
      delivery: churn,
      outcome: "superseded",
      rolledBackBy: "ada: answers are wrong",
    }),
  ).toEqual(["  rolled back by ada: answers are wrong"]);
});

test("what to do about a failed delivery names its model", () => {
  const failed = { event: "outcome", delivery: churn, outcome: "failed", error: "ManifestInvalid" } as const;
  expect(render(failed).join("\n")).toContain("`slipway check models/churn`");
});
