import type { GatesInForce, ScoreInForce } from "#domain/policy/rules-in-force.ts";
import type { Prediction } from "#model-folder/manifest/manifest.ts";
import { type Comparison, toKnownInterval } from "./comparison.ts";
import { roundToDigits } from "./number-format.ts";
import type { ScoreMetric } from "./score-metrics.ts";
import { type Check, pickWorstVerdict } from "./verdict.ts";

type Predictions = readonly Prediction[];

const describeLimit = ({ min, max, notWorseThanChampionBy: margin }: ScoreInForce): string =>
  [
    ...(min === undefined ? [] : [`≥ ${min}`]),
    ...(max === undefined ? [] : [`≤ ${max}`]),
    ...(margin === undefined ? [] : [`at most ${margin} worse`]),
  ].join(", ");

const measure = (metric: ScoreMetric, predictions: Predictions | undefined): number | null => {
  const score = predictions && metric.measure(predictions);
  return score === undefined || typeof score === "string" ? null : roundToDigits(score.estimate, 6);
};

/** A gain is above 0 where the challenger is better; the table shows new minus old. */
const measureDifference = (
  { gain, higherIsBetter }: ScoreMetric,
  champion: Predictions | undefined,
  challenger: Predictions,
): Comparison["interval"] => {
  const gained = champion && gain(champion, challenger);
  if (gained === undefined || typeof gained === "string") return null;
  return toKnownInterval(higherIsBetter ? gained : { low: -gained.high, high: -gained.low });
};

/**
 * The scores of both versions on the same rows, gated or not, with the interval of their paired difference.
 * @param checks what the gates made of them (checkHoldout)
 */
export const compareScores = ({
  gates,
  metrics,
  champion,
  challenger,
  checks,
}: {
  readonly gates: GatesInForce;
  readonly metrics: readonly ScoreMetric[];
  /** Undefined: nothing to compare with. */
  readonly champion: Predictions | undefined;
  readonly challenger: Predictions;
  readonly checks: readonly Check[];
}): readonly Comparison[] =>
  metrics.map((metric): Comparison => {
    const own = checks.filter(({ name }) => name === metric.name || name === `${metric.name} vs champion`);
    return {
      name: metric.words,
      unit: "",
      champion: measure(metric, champion),
      challenger: measure(metric, challenger),
      interval: measureDifference(metric, champion, challenger),
      limit: describeLimit(gates[metric.name] ?? {}),
      verdict: own.length === 0 ? null : pickWorstVerdict(own.map(({ verdict }) => verdict)),
    };
  });
