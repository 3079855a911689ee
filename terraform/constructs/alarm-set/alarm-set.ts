import { CloudwatchMetricAlarm } from "@cdktn/provider-aws/lib/cloudwatch-metric-alarm/index.js";
import { Construct } from "constructs";

type Metric = {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions?: Readonly<Record<string, string>>;
  /** `Sum`, `Maximum`, or a percentile such as `p99`. */
  readonly statistic: string;
};

export type Alarm = {
  /** `dead-letters`; the alarm is called `slipway-<set>-<name>`. */
  readonly name: string;
  /** What a person reads in Slack: what it means and where to look. */
  readonly description: string;
  readonly above: number;
  readonly seconds: number;
  /** A metric, or a share in percent of one in another. */
  readonly of: Metric | { readonly percentOf: Metric; readonly among: Metric };
};

type Needs = {
  readonly set: string;
  /** ARN of the topic that is told when an alarm begins and when it ends. */
  readonly topic: string;
  readonly alarms: readonly Alarm[];
};

const toMetric = ({ namespace, name, dimensions }: Metric) => ({
  namespace,
  metricName: name,
  ...(dimensions && { dimensions: { ...dimensions } }),
});

const toStatistic = ({ statistic: wanted }: Metric) =>
  wanted.startsWith("p") ? { extendedStatistic: wanted } : { statistic: wanted };

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
      // Without requests nothing fails: no division by zero, no alarm at night.
      {
        id: "percent",
        returnData: true,
        label: "percent",
        expression: "IF(whole > 0, 100 * part / whole, 0)",
      },
    ],
  };
};

/** Alarms that all tell one topic. Missing data is no alarm: most of these metrics are only written when something happens. */
export const addAlarmSet = (scope: Construct, id: string, { set, topic, alarms }: Needs): void => {
  const place = new Construct(scope, id);
  for (const alarm of alarms)
    new CloudwatchMetricAlarm(place, alarm.name, {
      alarmName: `slipway-${set}-${alarm.name}`,
      alarmDescription: alarm.description,
      comparisonOperator: "GreaterThanThreshold",
      threshold: alarm.above,
      evaluationPeriods: 1,
      treatMissingData: "notBreaching",
      alarmActions: [topic],
      okActions: [topic],
      ...toAlarmMetric(alarm),
    });
};
