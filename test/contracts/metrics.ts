import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Metrics, RequestMetrics, UnreportedCall, Window } from "#platform/metrics/metrics.ts";

export type MetricsUnderTest = {
  readonly metrics: Metrics;
  /** The service that runs functions counts a call that its function could not report. */
  breakCall(call: UnreportedCall): void;
  /** It also counts every call of the alias `live`; where it does not count `request` and `breakCall`, by this function. */
  countCall?(call: Pick<UnreportedCall, "environment" | "model" | "at">): void;
  /** The sum of a delivery metric over all time, read as the service shows it. */
  total(name: string, dimensions: Readonly<Record<string, string>>): Promise<number>;
  /** Whole minutes before now, epoch milliseconds: some services keep their statistics by the minute. */
  readonly minute: number;
  close(): Promise<void>;
};

/** Nearest rank (https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method), in its simplest form. */
const nearestRank = (sorted: readonly number[], percentile: number): number | undefined =>
  sorted[Math.max(0, Math.ceil((percentile / 100) * sorted.length) - 1)];

const observation = fc.record({
  latencyMs: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.double({ min: 0, max: 5_000, noNaN: true })),
  failed: fc.boolean(),
  // Labels come from outside: names that every object inherits are ordinary labels.
  labels: fc
    .uniqueArray(
      fc.tuple(
        fc.constantFrom("stay", "a label", "é", "constructor", "toString", "__proto__"),
        fc.integer({ min: 0, max: 50 }),
      ),
      { selector: ([label]) => label },
    )
    .map((labels) => new Map(labels)),
  // Probabilities, and values of both signs and any size.
  scores: fc
    .array(
      fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: -1e6, max: 1e6, noNaN: true })),
      {
        maxLength: 20,
      },
    )
    .map((scores) => scores.map((score) => Number(score.toPrecision(6)) + 0)),
});

/** Across all suites of a process: Lambda's own metrics have one namespace for all of them. */
let runs = 0;

/** The rules of `Metrics`, for every implementation. `make` returns one without metrics of a model `contract-…`. */
export const metricsContract = (name: string, make: () => Promise<MetricsUnderTest>): void => {
  describe(`metrics: ${name}`, () => {
    let subject: MetricsUnderTest;
    let window: Window;
    let request: RequestMetrics;
    const renew = () => {
      runs += 1;
      const version = { environment: "prod", model: `contract-${runs}`, version: "3" } as const;
      window = { ...version, from: subject.minute, to: subject.minute + 60_000 };
      request = {
        ...version,
        at: subject.minute,
        latencyMs: 5,
        failed: false,
        labels: new Map([["stay", 1]]),
      };
    };
    beforeEach(async () => {
      subject = await make();
      renew();
    });
    afterEach(() => subject.close());

    test("counts, label sums and nearest-rank percentiles of latencies and scores are exact for any requests", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(observation, { maxLength: 60 }),
          fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 4 }),
          fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 5 }),
          async (observations, percentiles, scorePercentiles) => {
            renew();
            for (const each of observations) subject.metrics.request({ ...request, ...each });
            const latencies = observations.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
            const labels = new Map<string, number>();
            for (const each of observations)
              for (const [label, rows] of each.labels) labels.set(label, (labels.get(label) ?? 0) + rows);
            const scores = observations.flatMap((each) => each.scores).sort((a, b) => a - b);
            expect(await subject.metrics.statistics(window, { percentiles, scorePercentiles })).toEqual({
              requests: observations.length,
              failures: observations.filter(({ failed }) => failed).length,
              unreported: 0,
              labels,
              latencyMs: percentiles.map((percentile) => nearestRank(latencies, percentile)),
              scores:
                scores.length === 0
                  ? undefined
                  : {
                      count: scores.length,
                      values: scorePercentiles.map((percentile) => nearestRank(scores, percentile)),
                    },
            });
          },
        ),
        { numRuns: 40 },
      );
    });

    test("without requests, counts are zero and percentiles are undefined", async () => {
      expect(await subject.metrics.statistics(window, { percentiles: [95] })).toEqual({
        requests: 0,
        failures: 0,
        unreported: 0,
        labels: new Map(),
        latencyMs: [undefined],
      });
    });

    test("scores are read only where their percentiles are asked for, of this version and window alone", async () => {
      const read = (scorePercentiles?: readonly number[]) =>
        subject.metrics.statistics(window, { percentiles: [], scorePercentiles });
      subject.metrics.request(request);
      expect((await read([50])).scores).toBeUndefined();
      subject.metrics.request({ ...request, scores: [0.25, -3, 0.75] });
      subject.metrics.request({ ...request, scores: [] });
      subject.metrics.request({ ...request, version: "30", scores: [9] });
      subject.metrics.request({ ...request, environment: "stage", scores: [9] });
      subject.metrics.request({ ...request, at: window.to, scores: [9] });
      expect((await read()).scores).toBeUndefined();
      expect((await read([0, 50, 90])).scores).toEqual({ count: 3, values: [-3, 0.25, 0.75] });
    });

    test("calls that a function could not report are counted beside its requests, for its version and window only", async () => {
      const { environment, model, version } = request;
      const call = { environment, model, version, at: window.from };
      subject.metrics.request(request);
      for (const cause of ["error", "error", "throttle"] as const) subject.breakCall({ ...call, cause });
      subject.breakCall({ ...call, version: "30", cause: "error" });
      subject.breakCall({ ...call, model: `${model}0`, cause: "error" });
      subject.breakCall({ ...call, environment: "stage", cause: "error" });
      subject.breakCall({ ...call, at: window.to, cause: "error" });
      expect(await subject.metrics.statistics(window, { percentiles: [50] })).toMatchObject({
        requests: 1,
        failures: 0,
        unreported: 3,
        latencyMs: [5],
      });
    });

    test("calls are counted by the hour for all versions, also those that a function could not report", async () => {
      const { environment, model } = request;
      const to = Math.floor(subject.minute / 3_600_000) * 3_600_000;
      const call = (hoursBefore: number, changes: Partial<UnreportedCall> = {}, reported = true) => {
        const at = to - hoursBefore * 3_600_000;
        if (reported) subject.metrics.request({ ...request, at, ...changes });
        else subject.breakCall({ environment, model, version: "3", at, cause: "error", ...changes });
        subject.countCall?.({ environment, model, at, ...changes });
      };
      call(3);
      call(2.5, { version: "4" });
      call(2.5, {}, false);
      call(1);
      call(0);
      call(3.001);
      call(1, { model: `${model}0` });
      call(1, { environment: "stage" });
      expect(await subject.metrics.hourlyCalls({ environment, model, to, hours: 3 })).toEqual([3, 0, 1]);
      expect(await subject.metrics.hourlyCalls({ environment, model: `${model}1`, to, hours: 2 })).toEqual([
        0, 0,
      ]);
    });

    test("percentiles may be chosen by the number of requests, so that one read has both", async () => {
      for (const latencyMs of [10, 20, 30, 40]) subject.metrics.request({ ...request, latencyMs });
      const seen: number[] = [];
      const statistics = await subject.metrics.statistics(window, {
        percentiles: (requests) => {
          seen.push(requests);
          return [100 / requests];
        },
      });
      expect(seen).toEqual([4]);
      expect(statistics).toMatchObject({ requests: 4, latencyMs: [10] });
    });

    test("a window includes its first millisecond and excludes its last", async () => {
      for (const at of [window.from - 1, window.from, window.to - 1, window.to])
        subject.metrics.request({ ...request, at });
      expect((await subject.metrics.statistics(window, { percentiles: [] })).requests).toBe(2);
    });

    test("requests of another environment, model or version do not count", async () => {
      subject.metrics.request({ ...request, environment: "stage" });
      subject.metrics.request({ ...request, model: `${request.model}0` });
      subject.metrics.request({ ...request, version: "30" });
      expect((await subject.metrics.statistics(window, { percentiles: [] })).requests).toBe(0);
    });

    test("the total of a delivery metric sums the values with the same dimensions, in any order", async () => {
      const outcome = `outcome-${runs}-${subject.minute}`;
      const count = { name: outcome, unit: "Count" } as const;
      subject.metrics.count({ ...count, value: 2, dimensions: { model: "churn", outcome: "promoted" } });
      subject.metrics.count({ ...count, value: 3, dimensions: { outcome: "promoted", model: "churn" } });
      subject.metrics.count({ ...count, value: 5, dimensions: { model: "churn" } });
      expect(await subject.total(outcome, { model: "churn", outcome: "promoted" })).toBe(5);
      expect(await subject.total(outcome, { model: "churn" })).toBe(5);
      expect(await subject.total(outcome, { model: "other" })).toBe(0);
    });
  });
};
