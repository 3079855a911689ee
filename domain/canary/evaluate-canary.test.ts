import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CanaryLimits } from "#domain/policy/policy.ts";
import type { CanaryRule } from "#model-folder/manifest/manifest.ts";
import type { Statistics } from "#platform/metrics/metrics.ts";
import { createSeededRandom } from "#test/support/seeded-random.ts";
import { evaluateCanary } from "./evaluate-canary.ts";
import { findNextStep } from "./find-next-step.ts";
import { choosePercentiles } from "./p95-interval.ts";

const minute = 60_000;
const rule: CanaryRule = {
  steps: [10, 50],
  bake: "PT30M",
  minSamples: 200,
  onInconclusive: "extend",
  atMost: "PT6H",
};
const limits: CanaryLimits = { errorPoints: 1, latencyP95: { ratio: 1.5, slackMs: 5 }, labelSharePoints: 10 };
const labels = ["stay", "churn"];

type Behaviour = { readonly errors: number; readonly medianMs: number; readonly churn: number };
const champion: Behaviour = { errors: 0.01, medianMs: 20, churn: 0.27 };

/** Traffic of one version: one row a request, log-normal latencies. */
const traffic = (random: () => number) => {
  const latencies: number[] = [];
  const counts = { failures: 0, stay: 0, churn: 0 };
  return {
    add: (requests: number, { errors, medianMs, churn }: Behaviour) => {
      for (let index = 0; index < requests; index++) {
        const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
        latencies.push(medianMs * Math.exp(0.5 * normal));
        if (random() < errors) counts.failures++;
        else counts[random() < churn ? "churn" : "stay"]++;
      }
    },
    statistics: (): Statistics => {
      const sorted = Float64Array.from(latencies).sort();
      const { failures, ...labels } = counts;
      const rank = (level: number) => sorted[Math.max(1, Math.ceil((level / 100) * sorted.length)) - 1];
      return {
        requests: latencies.length,
        failures,
        unreported: 0,
        labels: new Map(Object.entries(labels)),
        latencyMs: choosePercentiles(latencies.length).map(rank),
      };
    },
  };
};

const createStatistics = (requests: number, behaviour: Partial<Statistics> = {}): Statistics => ({
  requests,
  failures: 0,
  unreported: 0,
  labels: new Map([
    ["stay", 0.7 * requests],
    ["churn", 0.3 * requests],
  ]),
  latencyMs: choosePercentiles(requests).map(() => (requests > 0 ? 20 : undefined)),
  ...behaviour,
});

const look = (challenger: Statistics, more: Partial<Parameters<typeof evaluateCanary>[0]> = {}) =>
  evaluateCanary({
    rule,
    limits,
    labels,
    step: 0,
    champion: createStatistics(5_000),
    challenger,
    startedAt: 0,
    now: 30 * minute,
    ...more,
  });

/** A whole canary as the state machine runs it: each bake widens the window of its step. */
const canary = (seed: number, challenger: Behaviour, perBake: number) => {
  const random = createSeededRandom(seed);
  const fresh = () => ({ champion: traffic(random), challenger: traffic(random) });
  let arms = fresh();
  let step = 0;
  for (let looks = 1; ; looks++) {
    const share = (rule.steps[step] ?? 0) / 100;
    arms.champion.add(Math.round(perBake * (1 - share)), champion);
    arms.challenger.add(Math.round(perBake * share), challenger);
    const judged = look(arms.challenger.statistics(), {
      step,
      champion: arms.champion.statistics(),
      now: looks * 30 * minute,
    });
    if (judged.next === "promote" || judged.next === "roll-back") return judged;
    if (judged.next === "shift") arms = fresh();
    step = judged.step;
  }
};

const computeShare = (runs: number, isTrue: (seed: number) => boolean) =>
  Array.from({ length: runs }, (_, seed) => isTrue(seed + 1)).filter(Boolean).length / runs;

describe("over a whole canary of repeated looks", () => {
  test("an identical challenger with enough traffic is promoted", () => {
    expect(
      computeShare(200, (seed) => canary(seed, champion, 3_000).next === "promote"),
    ).toBeGreaterThanOrEqual(0.98);
  });

  test("an identical challenger with too little traffic runs out of time and does not fail", () => {
    expect(computeShare(300, (seed) => canary(seed, champion, 500).verdict === "fail")).toBeLessThanOrEqual(
      0.01,
    );
  });

  test("repeated looks do not fail a challenger exactly at the limit", () => {
    const atLimit = { ...champion, errors: champion.errors + limits.errorPoints / 100 };
    expect(computeShare(150, (seed) => canary(seed, atLimit, 1_500).verdict === "fail")).toBeLessThanOrEqual(
      0.04,
    );
  });

  test.each([
    ["five points more errors", { ...champion, errors: 0.06 }],
    ["three times the latency", { ...champion, medianMs: 60 }],
    ["a label share off by twenty points", { ...champion, churn: 0.47 }],
  ])("a challenger with %s is rolled back", (_, challenger) => {
    expect(computeShare(60, (seed) => canary(seed, challenger, 5_000).next === "roll-back")).toBe(1);
  });
});

describe("one look", () => {
  test("a challenger like the champion goes to the next step, and from the last to promotion", () => {
    expect(look(createStatistics(1_000))).toMatchObject({
      verdict: "pass",
      next: "shift",
      step: 1,
      error: null,
    });
    expect(look(createStatistics(1_000), { step: 1 })).toMatchObject({
      verdict: "pass",
      next: "promote",
      step: 1,
    });
  });

  test("too few requests without a failure are inconclusive, and the detail says how many are needed", () => {
    const errors = (requests: number) =>
      look(createStatistics(requests)).checks.find(({ name }) => name === "canary errors");
    expect(errors(300)).toMatchObject({ verdict: "inconclusive" });
    expect(errors(300)?.detail).toContain("a pass needs at least 381 requests, even without a failure");
    expect(errors(381)?.verdict).toBe("pass");
  });

  test("missing data is inconclusive and never a pass", () => {
    for (const missing of [
      createStatistics(0),
      createStatistics(1_000, { latencyMs: [undefined, undefined, undefined, undefined, undefined] }),
      createStatistics(1_000, { latencyMs: [] }),
      createStatistics(1_000, { labels: new Map() }),
    ])
      expect(look(missing)).toMatchObject({ verdict: "inconclusive", next: "bake", step: 0 });
    expect(look(createStatistics(1_000), { champion: createStatistics(0) })).toMatchObject({
      verdict: "inconclusive",
      next: "bake",
    });
    expect(look(createStatistics(1_000), { champion: createStatistics(199) })).toMatchObject({
      next: "bake",
    });
  });

  test("a challenger that fails every request is rolled back before there are enough samples", () => {
    const judged = look(createStatistics(40, { failures: 40, labels: new Map() }));
    expect(judged).toMatchObject({ verdict: "fail", next: "roll-back", error: { name: "CanaryFailed" } });
    expect(judged.error?.cause).toBe(
      "error rate +100 pp (limit +1; 95 % interval 91.2 to 100): 40 of 40 requests failed on the challenger, 0 of 5000 on the champion",
    );
  });

  test("a challenger whose function dies on a fifth of its calls is rolled back, although no request reports a failure", () => {
    const judged = look(createStatistics(400, { unreported: 100 }));
    expect(judged).toMatchObject({ verdict: "fail", next: "roll-back", error: { name: "CanaryFailed" } });
    expect(judged.error?.cause).toContain(
      "100 of 500 requests failed on the challenger (100 without a response of the function), 0 of 5000 on the champion",
    );
  });

  test("a challenger whose function dies on every call is rolled back, although it reports nothing", () => {
    const judged = look(createStatistics(0, { unreported: 40, labels: new Map() }));
    expect(judged).toMatchObject({ verdict: "fail", next: "roll-back" });
  });

  test("an inconclusive canary bakes until atMost, then it is rolled back with the reason", () => {
    const at = (now: number) => look(createStatistics(50), { now });
    expect(at(6 * 60 * minute - 1).next).toBe("bake");
    expect(at(6 * 60 * minute).next).toBe("roll-back");
    expect(at(6 * 60 * minute).error?.cause).toContain("still inconclusive after PT6H");
    expect(at(Number.NaN).next).toBe("roll-back");
    expect(look(createStatistics(50), { rule: { ...rule, onInconclusive: "roll-back" } }).next).toBe(
      "roll-back",
    );
  });

  test("with onInconclusive: ask the approvers are asked at atMost, and their answer is no verdict", () => {
    const asking = { rule: { ...rule, onInconclusive: "ask" as const } };
    const at = (now: number, more: object = {}) => look(createStatistics(50), { ...asking, now, ...more });
    const atMost = 6 * 60 * minute;
    expect(at(atMost - 1).next).toBe("bake");
    expect(at(atMost)).toMatchObject({ verdict: "inconclusive", next: "ask", step: 0, error: null });
    const accepted = at(atMost, { accepted: true });
    expect(accepted).toMatchObject({ verdict: "inconclusive", next: "shift", step: 1 });
    expect(accepted.checks).toEqual(at(atMost).checks);
    expect(at(atMost, { accepted: true, step: 1 }).next).toBe("promote");
  });

  test("a version that failed while the approvers decided is rolled back, whatever they decided", () => {
    const failing = createStatistics(5_000, { failures: 500 });
    const more = { rule: { ...rule, onInconclusive: "ask" as const }, accepted: true };
    expect(look(failing, more)).toMatchObject({ verdict: "fail", next: "roll-back" });
  });

  test("a p95 within the slack passes at any ratio; beyond the slack the ratio decides", () => {
    const flat = (ms: number) => createStatistics(5_000, { latencyMs: [ms, ms, ms, ms, ms] });
    const against = (challengerMs: number, championMs: number) =>
      look(flat(challengerMs), { champion: flat(championMs) }).checks.find(({ name }) => name.includes("p95"))
        ?.verdict;
    expect(against(5, 1)).toBe("pass");
    expect(against(7, 1)).toBe("fail");
    expect(against(149, 100)).toBe("pass");
    expect(against(151, 100)).toBe("fail");
  });

  test("the rows of one request count as one sample", () => {
    const batches = (stay: number) =>
      createStatistics(3, {
        labels: new Map([
          ["stay", 10_000 * stay],
          ["churn", 10_000 * (3 - stay)],
        ]),
      });
    const judged = look(batches(2), { champion: batches(3), labels });
    expect(judged.checks.find(({ name }) => name === "canary labels")?.verdict).toBe("inconclusive");
  });

  test("regression has no labels to compare", () => {
    const arms = { champion: createStatistics(5_000, { labels: new Map() }), labels: [] };
    const judged = look(createStatistics(1_000, { labels: new Map() }), arms);
    expect(judged.verdict).toBe("pass");
    expect(judged.checks.map(({ name }) => name)).not.toContain("canary labels");
  });
});

test("every list of steps ends in a promotion or a rollback, with any traffic", () =>
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 20 }),
      fc.infiniteStream(fc.record({ requests: fc.nat(3_000), failed: fc.constantFrom(0, 0, 0.01, 0.2) })),
      fc.constantFrom("extend" as const, "ask" as const, "roll-back" as const),
      fc.infiniteStream(fc.boolean()),
      (steps, stream, onInconclusive, answers) => {
        const each = { ...rule, steps: steps.toSorted((a, b) => a - b), onInconclusive };
        let step = 0;
        let next = "bake";
        let accepted = false;
        // 12 bakes fill atMost. Every further look is a pass or a question, of which there are as many as steps, or the
        // look after an answer.
        for (let looks = 1; next === "bake" || next === "shift" || next === "ask"; looks++) {
          expect(looks).toBeLessThanOrEqual(12 + 2 * steps.length);
          const { requests = 0, failed = 0 } = stream.next().value ?? {};
          const judged = look(createStatistics(requests, { failures: Math.floor(requests * failed) }), {
            rule: each,
            step,
            now: looks * 30 * minute,
            accepted,
          });
          if (accepted) expect(["shift", "promote", "roll-back"]).toContain(judged.next);
          accepted = judged.next === "ask" && answers.next().value === true;
          // A rejection, and a question without an answer, roll back.
          if (judged.next === "ask" && !accepted) return;
          if (judged.next === "shift") expect(judged.step).toBe(step + 1);
          if (judged.next === "promote") expect(step).toBe(steps.length - 1);
          ({ next, step } = judged);
        }
        expect(["promote", "roll-back"]).toContain(next);
      },
    ),
  ));

test("an index outside the steps is refused", () => {
  expect(findNextStep(rule, 0)).toEqual({ next: "shift", step: 1, share: 50 });
  expect(findNextStep(rule, 1)).toEqual({ next: "promote", step: 1 });
  expect(() => findNextStep(rule, 2)).toThrow(RangeError);
});
