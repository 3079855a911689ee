import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aucDifference, aucInterval } from "./auc-interval.ts";
import { maeGain, maeInterval, rmseGain } from "./error-intervals.ts";
import { newcombeInterval } from "./newcombe-interval.ts";
import { normalQuantile } from "./normal-quantile.ts";
import { pairedNewcombeInterval } from "./paired-newcombe-interval.ts";
import { quantileLevels } from "./quantile-levels.ts";
import { twoSidedT } from "./two-sided-t.ts";
import { wilsonInterval } from "./wilson-interval.ts";

// Reference values: scipy 1.17, statsmodels 0.15 and scikit-learn 1.9, unless a paper is named.

test.each([
  [1e-12, -7.034483825301131],
  [1e-3, -3.090232306167813],
  [0.2, -0.8416212335729142],
  [0.9, 1.2815515655446004],
  [0.975, 1.959963984540054],
  [0.9995, 3.2905267314919255],
])("the normal quantile of %d agrees with scipy", (p, z) => expect(normalQuantile(p)).toBeCloseTo(z, 12));

test.each([
  [0.95, 1, 12.706204736174694],
  [0.95, 2, 4.302652729749462],
  [0.95, 5, 2.5705818356363146],
  [0.95, 29, 2.045229642132703],
  [0.999, 7, 5.407882520861828],
  [0.95, 100, 1.9839715185235518],
  [0.95, 101, 1.983731002955606],
  [0.999, 150, 3.356568981742476],
  [0.95, 1408, 1.961650260914764],
])("Student's t at %d with %d degrees of freedom agrees with scipy", (confidence, freedom, t) =>
  expect(twoSidedT(confidence, freedom)).toBeCloseTo(t, 8),
);

describe("proportions", () => {
  test.each([
    // The first four are also Table I of Newcombe, Stat Med 1998;17:857.
    [81, 263, 0.2552885198782742, 0.36620957698280004],
    [15, 148, 0.06238639953073628, 0.16048724172330803],
    [0, 20, 0, 0.1611251580528194],
    [1, 29, 0.006113214292762667, 0.17175521879320294],
    [29, 29, 0.8830302015002592, 1],
    [1122, 1409, 0.7744879283779359, 0.8165196434815271],
  ])("Wilson's interval of %d in %d agrees with statsmodels", (count, total, low, high) => {
    const interval = wilsonInterval({ count, total });
    expect(interval.low).toBeCloseTo(low, 12);
    expect(interval.high).toBeCloseTo(high, 12);
  });

  test.each([
    // Table II of Newcombe, Stat Med 1998;17:873, to four digits there: 0.0524 to 0.3339 …
    [56, 70, 48, 80, 0.05243147240236498, 0.33387265403690614],
    [9, 10, 3, 10, 0.1705227239345029, 0.809017973535488],
    [5, 56, 0, 29, -0.038137147903536936, 0.19256001385511165],
    [0, 10, 0, 20, -0.1611251580528194, 0.27753279986288926],
    [10, 10, 0, 20, 0.6790860371419145, 1],
  ])("the difference of %d/%d and %d/%d agrees with Newcombe's table", (a, m, b, n, low, high) => {
    const interval = newcombeInterval({ count: a, total: m }, { count: b, total: n });
    expect(interval.low).toBeCloseTo(low, 12);
    expect(interval.high).toBeCloseTo(high, 12);
  });

  test.each([
    // Newcombe, Stat Med 1998;17:2635: 0.0569 to 0.3404 for the first.
    [36, 12, 2, 0, 0.0569295840032388, 0.3404276029749408],
    [20, 12, 2, 16, 0.05615642484174821, 0.32920699540014053],
    [36, 14, 0, 0, 0.15283951785585742, 0.41665123695956563],
    [1, 0, 0, 29, -0.12250836475856386, 0.12250836475856386],
    [1050, 60, 72, 227, -0.024627607756249045, 0.007557829197067012],
  ])(
    "the paired difference of %d, %d, %d, %d agrees with Newcombe's",
    (both, onlyFirst, onlySecond, neither, low, high) => {
      const interval = pairedNewcombeInterval({ both, onlyFirst, onlySecond, neither });
      expect(interval.low).toBeCloseTo(low, 12);
      expect(interval.high).toBeCloseTo(high, 12);
    },
  );

  const share = fc.nat(500).chain((total) => fc.nat(total).map((count) => ({ count, total })));

  test("an interval contains its estimate and stays within its bounds", () =>
    fc.assert(
      fc.property(share, share, fc.constantFrom(0.9, 0.95, 0.999), (one, two, confidence) => {
        for (const [interval, least] of [
          [wilsonInterval(one, confidence), 0],
          [newcombeInterval(one, two, confidence), -1],
        ] as const) {
          expect(interval.low).toBeLessThanOrEqual(interval.estimate);
          expect(interval.high).toBeGreaterThanOrEqual(interval.estimate);
          expect(interval.low).toBeGreaterThanOrEqual(least);
          expect(interval.high).toBeLessThanOrEqual(1);
        }
      }),
    ));

  test("ten times the cases with the same shares narrow the interval", () =>
    fc.assert(
      fc.property(share, share, (one, two) => {
        fc.pre(one.total > 0 && two.total > 0);
        const more = ({ count, total }: typeof one) => ({ count: 10 * count, total: 10 * total });
        const few = newcombeInterval(one, two);
        const many = newcombeInterval(more(one), more(two));
        expect(many.high - many.low).toBeLessThan(few.high - few.low);
      }),
    ));

  test("swapping the two sides mirrors the interval", () =>
    fc.assert(
      fc.property(
        share,
        share,
        fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99), fc.nat(99)),
        (one, two, counts) => {
          const [both, b, c, neither] = counts;
          const pairs = [
            [newcombeInterval(one, two), newcombeInterval(two, one)],
            [
              pairedNewcombeInterval({ both, onlyFirst: b, onlySecond: c, neither }),
              pairedNewcombeInterval({ both, onlyFirst: c, onlySecond: b, neither }),
            ],
          ] as const;
          for (const [forward, backward] of pairs) {
            expect(forward.low).toBeCloseTo(-backward.high, 10);
            expect(forward.high).toBeCloseTo(-backward.low, 10);
          }
        },
      ),
    ));
});

describe("areas under the ROC curve", () => {
  const truth = Array.from({ length: 60 }, (_, row) => (row * 7) % 3 === 0);
  const first = truth.map((positive, row) => ((row * 37) % 23) / 23 + (positive ? 0.4 : 0));
  const second = truth.map((positive, row) => ((row * 53) % 19) / 19 + (positive ? 0.25 : 0));

  test("the area with ties agrees with scikit-learn, its interval with DeLong's formula in numpy", () => {
    const interval = aucInterval(first, truth);
    expect(interval.estimate).toBeCloseTo(0.845, 12);
    expect(interval.low).toBeCloseTo(0.7432709258648579, 12);
    expect(interval.high).toBeCloseTo(0.9467290741351421, 12);
  });

  test("the paired difference agrees with DeLong's covariance in numpy", () => {
    const interval = aucDifference(first, second, truth);
    expect(interval.estimate).toBeCloseTo(0.1675, 12);
    expect(interval.low).toBeCloseTo(0.00037179149248411925, 12);
    expect(interval.high).toBeCloseTo(0.33462820850751585, 12);
  });

  const rows = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 }), fc.boolean()),
    {
      minLength: 2,
      maxLength: 40,
    },
  );

  test("the area is the share of pairs in the right order, ties counting half", () =>
    fc.assert(
      fc.property(rows, (cases) => {
        const positives = cases.filter(([, , positive]) => positive).map(([score]) => score);
        const negatives = cases.filter(([, , positive]) => !positive).map(([score]) => score);
        fc.pre(positives.length > 0 && negatives.length > 0);
        const wins = positives.flatMap((p) => negatives.map((n) => (p > n ? 1 : p === n ? 0.5 : 0)));
        const area = wins.reduce<number>((sum, win) => sum + win, 0) / wins.length;
        const { estimate, low, high } = aucInterval(
          cases.map(([score]) => score),
          cases.map(([, , positive]) => positive),
        );
        expect(estimate).toBeCloseTo(area, 10);
        expect(low).toBeLessThanOrEqual(estimate);
        expect(high).toBeGreaterThanOrEqual(estimate);
      }),
    ));

  test("swapping the models mirrors the difference, and a model equals itself", () =>
    fc.assert(
      fc.property(rows, (cases) => {
        const one = cases.map(([score]) => score);
        const two = cases.map(([, score]) => score);
        const labels = cases.map(([, , positive]) => positive);
        const forward = aucDifference(one, two, labels);
        const backward = aucDifference(two, one, labels);
        expect(forward.low).toBeCloseTo(-backward.high, 10);
        expect(aucDifference(one, one, labels).estimate).toBe(0);
      }),
    ));
});

describe("errors of regression", () => {
  const champion = Array.from({ length: 40 }, (_, row) => (((row * 29) % 17) - 8) / 4);
  const challenger = Array.from({ length: 40 }, (_, row) => (((row * 31) % 13) - 6) / 3);

  test("the mean absolute error and its paired gain agree with scipy's t test", () => {
    const own = maeInterval(champion);
    expect([own.estimate, own.low, own.high].map((end) => end.toFixed(10))).toEqual(
      [1.0625, 0.8610835969140472, 1.2639164030859527].map((end) => end.toFixed(10)),
    );
    const gain = maeGain(champion, challenger);
    expect(gain.estimate).toBeCloseTo(-0.0375, 12);
    expect(gain.low).toBeCloseTo(-0.3282594708386523, 9);
    expect(gain.high).toBeCloseTo(0.25325947083865236, 9);
  });

  test("the gain in rmse agrees with the delta method in numpy, and with 20,000 bootstrap resamples to 0.02", () => {
    const gain = rmseGain(champion, challenger);
    expect(gain.estimate).toBeCloseTo(-0.040374849626197085, 12);
    expect(gain.low).toBeCloseTo(-0.2947398103675737, 9);
    expect(gain.high).toBeCloseTo(0.21399011111517952, 9);
    expect(Math.abs(gain.low - -0.28688916)).toBeLessThan(0.02);
    expect(Math.abs(gain.high - 0.20377772)).toBeLessThan(0.02);
  });

  test("one row proves nothing, and models without errors do not differ", () => {
    expect(maeGain([1], [2])).toEqual({
      estimate: -1,
      low: Number.NEGATIVE_INFINITY,
      high: Number.POSITIVE_INFINITY,
    });
    expect(rmseGain([0, 0, 0], [0, 0, 0])).toEqual({ estimate: 0, low: 0, high: 0 });
  });
});

test("the levels around p95 of 1,000 are those of 0.95 ± 1.96·√(0.95·0.05/1000)", () => {
  const { low, high } = quantileLevels(0.95, 1_000);
  expect(low).toBeCloseTo(93.6492, 4);
  expect(high).toBeCloseTo(96.3508, 4);
});

test("few samples have no order statistic above p95's interval, and without samples there is none", () => {
  expect(quantileLevels(0.95, 50).high).toBeGreaterThan(100);
  expect(quantileLevels(0.95, 0)).toEqual({ low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY });
});
