import type { ArmMeasurement, CanaryLook, Estimate } from "#domain/canary/canary-look.ts";

export type ChartPoint = {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly percent: number;
  /** How the canary was judged then; null: measured only. */
  readonly verdict: "pass" | "fail" | "inconclusive" | null;
  readonly champion: Estimate | null;
  readonly challenger: Estimate | null;
  /** The highest, and where there is one the lowest, value of the challenger that is within the limit; null: none. */
  readonly limit: { readonly high: number; readonly low: number | null } | null;
};

export type CanaryChart = {
  readonly id: string;
  readonly title: string;
  readonly unit: "%" | "ms";
  /** The rule in words: `at most 1 pp above prod`; null: the metric is shown and not judged. */
  readonly rule: string | null;
  /** Oldest first. */
  readonly points: readonly ChartPoint[];
};

/** More points than this are not told apart at the width of a phone. */
const maxPoints = 90;

/** Every judgement, and measurements at even distances between them. */
export const thinLooks = (looks: readonly CanaryLook[], limit = maxPoints): readonly CanaryLook[] => {
  if (looks.length <= limit) return looks;
  const every = Math.ceil(looks.length / limit);
  const last = looks.length - 1;
  const even = looks.filter((_, index) => index % every === 0 || index === last);
  const judged = looks.filter((look) => look.judged !== null);
  // Where there are too many judgements, they are thinned too; the table below the charts names each.
  return judged.length > limit / 2
    ? even
    : looks.filter((look, index) => index % every === 0 || index === last || look.judged !== null);
};

const scale = (estimate: Estimate | null, factor: number): Estimate | null =>
  estimate && {
    value: estimate.value * factor,
    low: estimate.low * factor,
    high: estimate.high === null ? null : estimate.high * factor,
  };

const findLabel = ({ labels }: ArmMeasurement, label: string): Estimate | null =>
  labels.find((share) => share.label === label) ?? null;

/** One chart for each metric: errors, p50, p95, and each label's share. */
export const listCharts = (all: readonly CanaryLook[]): readonly CanaryChart[] => {
  const looks = thinLooks(all);
  const last = looks.at(-1);
  if (!last) return [];
  const chart = (
    { id, title, unit, rule }: Omit<CanaryChart, "points">,
    pick: (arm: ArmMeasurement) => Estimate | null,
    limit: (look: CanaryLook, champion: Estimate) => ChartPoint["limit"],
  ): CanaryChart => ({
    ...{ id, title, unit, rule },
    points: looks.map((look) => {
      const champion = scale(pick(look.champion), unit === "%" ? 100 : 1);
      return {
        at: look.at,
        percent: look.percent,
        verdict: look.judged?.verdict ?? null,
        champion,
        challenger: scale(pick(look.challenger), unit === "%" ? 100 : 1),
        limit: champion && limit(look, champion),
      };
    }),
  });
  const { limits } = last;
  const labels = [
    ...new Set(looks.flatMap(({ challenger, champion }) => [...champion.labels, ...challenger.labels])),
  ].map(({ label }) => label);
  return [
    chart(
      {
        ...{ id: "errors", title: "Failed requests", unit: "%" },
        rule: `at most ${limits.errorPoints} pp above prod`,
      },
      ({ errors }) => errors,
      (look, { value }) => ({ high: value + look.limits.errorPoints, low: null }),
    ),
    chart(
      { id: "p50", title: "Latency p50", unit: "ms", rule: null },
      ({ p50 }) => p50,
      () => null,
    ),
    chart(
      {
        ...{ id: "p95", title: "Latency p95", unit: "ms" },
        rule: `at most ${limits.p95Ratio} × prod, or ${limits.p95SlackMs} ms above it`,
      },
      ({ p95 }) => p95,
      (look, { value }) => ({
        high: Math.max(look.limits.p95Ratio * value, value + look.limits.p95SlackMs),
        low: null,
      }),
    ),
    ...[...new Set(labels)].map((label, index) =>
      chart(
        {
          ...{ id: `label-${index}`, title: `Share of “${label}”`, unit: "%" },
          rule: `at most ${limits.labelSharePoints} pp from prod`,
        },
        (arm) => findLabel(arm, label),
        (look, { value }) => ({
          high: value + look.limits.labelSharePoints,
          low: value - look.limits.labelSharePoints,
        }),
      ),
    ),
  ];
};
