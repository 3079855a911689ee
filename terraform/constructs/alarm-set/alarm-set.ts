import { CloudwatchMetricAlarm } from "@cdktn/provider-aws/lib/cloudwatch-metric-alarm/index.js";
import { Construct } from "constructs";

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
  readonly above: number;
  readonly seconds: number;
  /** The alarm stays until so many periods in a row are not above; default 1. */
  readonly periods?: number;
  /** A metric, or the percentage of one metric in another. */
  readonly of: Metric | { readonly percentOf: Metric; readonly among: Metric };
};

type Needs = {
  readonly set: string;
  /** ARN of the topic for the start and the end of alarms. */
  readonly topic: string;
  readonly alarms: readonly Alarm[];
};

const toMetric = ({ namespace, name, dimensions }: Metric) => ({
  namespace,
  metricName: name,
  ...(dimensions && { dimensions: { ...dimensions } }),
});

const toStatistic = ({ statistic }: Metric) =>
  statistic.startsWith("p") ? { extendedStatistic: statistic } : { statistic };

const toAlarmMetric = ({ of, seconds }: Alarm) => {
  if (!("percentOf" in of)) return { ...toMetric(of), ...toStatistic(of), period: seconds };
  const part = (id: string, of: Metric) => ({
    id,
    returnData: false,
    metric: { ...toMetric(of), stat: of.statistic, period: seconds },
  });
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

/** Alarms that notify one topic. Missing data is no alarm: most of these metrics exist only when something happens. */
export const addAlarmSet = (scope: Construct, id: string, { set, topic, alarms }: Needs): void => {
  const place = new Construct(scope, id);
  for (const alarm of alarms)
    new CloudwatchMetricAlarm(place, alarm.name, {
      alarmName: `slipway-${set}-${alarm.name}`,
      alarmDescription: alarm.description,
      comparisonOperator: "GreaterThanThreshold",
      threshold: alarm.above,
      evaluationPeriods: alarm.periods ?? 1,
      ...(alarm.periods !== undefined && { datapointsToAlarm: 1 }),
      treatMissingData: "notBreaching",
      alarmActions: [topic],
      okActions: [topic],
      ...toAlarmMetric(alarm),
    });
};
