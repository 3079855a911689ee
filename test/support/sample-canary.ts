import { createCanaries } from "#domain/canary/canaries.ts";
import type { CanaryFacts } from "#domain/canary/canary-facts.ts";
import { evaluateCanary } from "#domain/canary/evaluate-canary.ts";
import { chooseCanaryPercentiles } from "#domain/canary/measure-canary.ts";
import { scorePercentiles } from "#domain/canary/measure-scores.ts";
import { recordLook } from "#domain/canary/record-look.ts";
import type { Statistics } from "#platform/metrics/metrics.ts";
import { memoryStore } from "./memory-store.ts";
import { createSeededRandom } from "./seeded-random.ts";

const minute = 60_000;
const labels = ["stay", "churn"];
const score = { of: "label", name: "churn", scale: "probability", unit: null } as const;
const rules = {
  canary: { steps: [10, 50], bake: "PT30M", minSamples: 200, onInconclusive: "extend", atMost: "PT6H" },
  canaryLimits: { errorPoints: 1, latencyP95: { ratio: 1.5, slackMs: 20 }, labelSharePoints: 10 },
} as const;

/** A version's requests so far, drawn one by one, so that the intervals narrow as on prod. */
const createArm = (
  random: () => number,
  perMinute: number,
  shape: { error: number; ms: number; churn: number },
) => {
  const latencies: number[] = [];
  const scores: number[] = [];
  let failures = 0;
  let churn = 0;
  return {
    minute: () => {
      for (let request = 0; request < perMinute * (0.7 + 0.6 * random()); request++) {
        latencies.push(shape.ms * Math.exp(0.5 * (random() + random() + random() - 1.5)));
        if (random() < shape.error) failures++;
        else {
          if (random() < shape.churn) churn++;
          // Drawn from what is drawn anyway: more draws would change every other number.
          const last = latencies.at(-1) ?? 0;
          scores.push(Math.min(1, shape.churn * (last / shape.ms) ** 3));
        }
      }
    },
    read: (): Statistics => {
      const sorted = latencies.toSorted((left, right) => left - right);
      const requests = sorted.length;
      const sortedScores = scores.toSorted((left, right) => left - right);
      const count = sortedScores.length;
      return {
        requests,
        failures,
        unreported: 0,
        labels: new Map([
          ["stay", requests - failures - churn],
          ["churn", churn],
        ]),
        latencyMs: chooseCanaryPercentiles(requests).map(
          (percentile) => sorted[Math.max(0, Math.ceil((percentile / 100) * requests) - 1)],
        ),
        scores: {
          count,
          values: scorePercentiles.flatMap(
            (percentile) => sortedScores[Math.max(0, Math.ceil((percentile / 100) * count) - 1)] ?? [],
          ),
        },
      };
    },
  };
};

/**
 * The facts of a canary of two steps as the steps record them: drawn traffic, each minute measured, each bake judged.
 * @param startedAt epoch milliseconds
 * @param minutes how long it has been running
 */
export const sampleCanary = async (
  startedAt: number,
  minutes: number,
  { error = 0.004, seed = 7 }: { readonly error?: number; readonly seed?: number } = {},
): Promise<CanaryFacts> => {
  const random = createSeededRandom(seed);
  const { store, database } = memoryStore();
  const canaries = createCanaries({ store, clock: () => startedAt });
  let step = 0;
  let since = startedAt;
  const open = () => ({
    champion: createArm(random, step === 0 ? 90 : 50, { error: 0.004, ms: 21, churn: 0.26 }),
    challenger: createArm(random, step === 0 ? 10 : 50, { error, ms: 23, churn: 0.29 }),
  });
  let arms = open();
  for (let passed = 1; passed <= minutes; passed++) {
    arms.champion.minute();
    arms.challenger.minute();
    const at = startedAt + passed * minute;
    const measured = { champion: arms.champion.read(), challenger: arms.challenger.read() };
    const judged =
      (at - since) % (30 * minute) === 0
        ? evaluateCanary({
            ...{
              rule: { ...rules.canary, steps: [...rules.canary.steps] },
              limits: rules.canaryLimits,
              labels,
            },
            ...{ step, ...measured, startedAt, now: at },
          })
        : null;
    await recordLook({ canaries })(await canaries.lastLook("d"), {
      ...{ delivery: "d", step, since, startedAt, at, bakeMs: 30 * minute, labels, arms: measured },
      scores: { champion: score, challenger: score },
      percent: rules.canary.steps[step] ?? 0,
      rules: { ...rules, canary: { ...rules.canary, steps: [...rules.canary.steps] } },
    })(judged && { ...judged, held: false });
    if (judged?.next === "shift") {
      step = 1;
      since = at;
      arms = open();
    }
  }
  const looks = await canaries.looks("d");
  database.close();
  const last = looks.at(-1);
  return {
    ...{ model: "churn", delivery: "churn-1", version: 3, championVersion: 2, status: "running", startedAt },
    steps: [
      { percent: 10, from: startedAt, state: step === 0 ? "current" : "done" },
      { percent: 50, from: step === 0 ? null : since, state: step === 0 ? "next" : "current" },
      { percent: 100, from: null, state: "next" },
    ],
    ...{ percent: rules.canary.steps[step] ?? 0, looks, votes: [], orders: [] },
    nextLookAt: startedAt + (Math.floor(minutes / 30) + 1) * 30 * minute,
    endsAt: startedAt + 360 * minute,
    samples: last
      ? {
          champion: last.champion.requests,
          challenger: last.challenger.requests,
          required: last.rule.requiredRequests,
        }
      : null,
    ...{ hold: null, closed: null, abort: null, question: null, error: null },
  };
};
