import { CloudwatchMetricAlarm } from "@cdktn/provider-aws/lib/cloudwatch-metric-alarm/index.js";
import { Construct } from "constructs";
import { trialAlarms } from "./trial-alarms.ts";

type Metric = {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions?: Readonly<Record<string, string>>;
  /** `Sum`, `Maximum`, or a percentile: `p99`. */
  readonly statistic: string;
};

export type Alarm = {
  /** `dead-letters`; the alarm's full name is `slipway-<set>-<name>`. */
  readonly name: string;
  /** The text in Slack: what happened and where to look. */
  readonly description: string;
  readonly seconds: number;
  /**
   * On if so many (`outOf`) of the last periods (`periods`) are beyond the limit. Default: one of one. One of several keeps
   * an alarm on while a metric has a gap.
   */
  readonly outOf?: { readonly count: number; readonly periods: number };
  /** What a period without data means: most metrics exist only when something happens, so by default nothing. */
  readonly missing?: "breaching" | "notBreaching";
  /** A metric, the percentage of one metric in another, or the sum of several. */
  readonly of:
    | Metric
    | { readonly percentOf: Metric; readonly among: Metric }
    | { readonly sumOf: readonly Metric[] };
} & ({ readonly above: number } | { readonly below: number });

type Needs = {
  readonly set: string;
  /** ARN of the topic for the start and the end of alarms. */
  readonly topic: string;
  readonly alarms: readonly Alarm[];
  /** Only the alarms that a trial in one account keeps. */
  readonly trial: boolean;
};

const toMetric = ({ namespace, name, dimensions }: Metric) => ({
  namespace,
  metricName: name,
  ...(dimensions && { dimensions: { ...dimensions } }),
});

const toStatistic = ({ statistic }: Metric) =>
  statistic.startsWith("p") ? { extendedStatistic: statistic } : { statistic };

const toAlarmMetric = ({ of, seconds }: Alarm) => {
  if (!("percentOf" in of) && !("sumOf" in of))
    return { ...toMetric(of), ...toStatistic(of), period: seconds };
  const part = (id: string, of: Metric) => ({
    id,
    returnData: false,
    metric: { ...toMetric(of), stat: of.statistic, period: seconds },
  });
  if ("sumOf" in of)
    return {
      metricQuery: [
        ...of.sumOf.map((metric, index) => part(`m${index}`, metric)),
        { id: "total", returnData: true, label: "total", expression: "SUM(METRICS())" },
      ],
    };
  return {
    metricQuery: [
      part("part", of.percentOf),
      part("whole", of.among),
      // Avoids a division by zero, and an alarm when there are no requests.
      {
        id: "percent",
        returnData: true,
        label: "percent",
        expression: "IF(whole > 0, 100 * part / whole, 0)",
      },
    ],
  };
};

/** Alarms that notify one topic at their start and their end. */
export const addAlarmSet = (scope: Construct, id: string, { set, topic, alarms, trial }: Needs): void => {
  const place = new Construct(scope, id);
  for (const alarm of alarms) {
    const alarmName = `slipway-${set}-${alarm.name}`;
    if (trial && !trialAlarms.has(alarmName)) continue;
    new CloudwatchMetricAlarm(place, alarm.name, {
      alarmName,
      alarmDescription: alarm.description,
      ...("above" in alarm
        ? { comparisonOperator: "GreaterThanThreshold", threshold: alarm.above }
        : { comparisonOperator: "LessThanThreshold", threshold: alarm.below }),
      evaluationPeriods: alarm.outOf?.periods ?? 1,
      ...(alarm.outOf && { datapointsToAlarm: alarm.outOf.count }),
      treatMissingData: alarm.missing ?? "notBreaching",
      alarmActions: [topic],
      okActions: [topic],
      ...toAlarmMetric(alarm),
    });
  }
};
