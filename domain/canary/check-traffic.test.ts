import { expect, test } from "vitest";
import type { CanaryRule } from "#model-folder/manifest/manifest.ts";
import { checkTraffic } from "./check-traffic.ts";

const hour = 3_600_000;
const rule: CanaryRule = {
  steps: [10, 50],
  bake: "PT30M",
  minSamples: 200,
  onInconclusive: "extend",
  atMost: "PT6H",
};
const check = (requests: number, hours: number, changes: Partial<CanaryRule> = {}, errorPoints = 1) =>
  checkTraffic({
    rule: { ...rule, ...changes },
    limits: { errorPoints },
    recorded: { requests, from: 0, to: hours * hour },
  });

test("with ten requests an hour the approvers read what prod had, what the canary needs and what will happen", () => {
  const week = 7 * 24;
  expect(check(10 * week, week)).toEqual({
    checks: [
      {
        name: "canary traffic",
        verdict: "inconclusive",
        measured: 0.1667,
        limit: 12.7,
        unit: "requests/min",
        detail:
          "not enough traffic: prod had 10 requests an hour (last 7 days), but the canary needs 13 requests a minute: 381 to each version at each step within PT6H; the canary will probably be inconclusive until PT6H and then be rolled back",
      },
    ],
    omitted: [],
  });
});

test.each([
  ["extend", "until PT6H and then be rolled back"],
  ["ask", "until PT6H and then ask the approvers again"],
  ["roll-back", "at the end of a bake and be rolled back"],
] as const)("onInconclusive: %s says what follows from too little traffic", (onInconclusive, end) => {
  expect(check(0, 24, { onInconclusive }).checks[0]?.detail).toMatch(new RegExp(`${end}$`));
});

test("exactly the needed rate is enough, and one request less is not", () => {
  const limit = (381 / 0.1 + 381 / 0.5) / 360;
  const needed = Math.ceil(limit * 60 * 24);
  expect(check(needed, 24).checks[0]?.verdict).toBe("pass");
  expect(check(needed - 1, 24).checks[0]?.verdict).toBe("inconclusive");
});

test("no traffic is enough for a canary that can never pass", () => {
  const [found] = check(1e9, 24, {}, 0).checks;
  expect(found).toMatchObject({ verdict: "inconclusive", limit: null });
  expect(found?.detail).toContain("no traffic is enough");
});

test("a first version, and a champion of minutes, leave the check out with the reason", () => {
  const first = checkTraffic({ rule, limits: { errorPoints: 1 }, recorded: undefined });
  expect(first).toEqual({
    checks: [],
    omitted: [{ name: "canary traffic", why: "a model's first version has no canary" }],
  });
  expect(check(1e6, 0.99).omitted).toEqual([
    { name: "canary traffic", why: "prod has served the champion for less than an hour" },
  ]);
  expect(check(1e6, 1).omitted).toEqual([]);
});
