import type { TerraformStack } from "cdktn";
import { metricNames } from "../../platform/metrics/metrics.ts";
import { type Alarm, addAlarmSet } from "../constructs/alarm-set/alarm-set.ts";
import { addDashboard } from "../constructs/dashboard/dashboard.ts";
import type { FunctionResources } from "../constructs/lambda-function/lambda-function.ts";

type Needs = {
  readonly region: string;
  readonly topic: string;
  /** ARN of the state machine. */
  readonly machine: string;
  readonly functions: ReadonlyMap<string, FunctionResources>;
};

const twelveHours = 12 * 3_600;
const fiveMinutes = 300;
const { namespace, approvalWaitingSeconds, silentModels, versionsNotWoken } = metricNames.deliveries;

export const addDeliveryAlarms = (
  stack: TerraformStack,
  { region, topic, machine, functions }: Needs,
): void => {
  const executions = (name: string) => ({
    namespace: "AWS/States",
    name,
    statistic: "Sum",
    dimensions: { StateMachineArn: machine },
  });
  const ended: readonly Alarm[] = (
    [
      [
        "failed",
        "ExecutionsFailed",
        "A delivery failed. Its message in Slack has the reason; prod serves the same version as before.",
      ],
      ["timed-out", "ExecutionsTimedOut", "A delivery timed out. The sweep restores what it changed."],
      ["aborted", "ExecutionsAborted", "Someone stopped a delivery. The sweep restores what it changed."],
    ] as const
  ).map(([name, metric, description]) => ({
    name,
    description,
    above: 0,
    seconds: fiveMinutes,
    of: executions(metric),
  }));
  const letters: readonly Alarm[] = [...functions].flatMap(([name, { deadLetters }]) =>
    deadLetters === undefined
      ? []
      : [
          {
            name: `dead-letters-${name}`,
            description: `${name} could not process an event, which stays in its dead-letter queue for 14 days: docs/infrastructure.md explains how to send it again.`,
            above: 0,
            seconds: fiveMinutes,
            of: {
              namespace: "AWS/SQS",
              name: "ApproximateNumberOfMessagesVisible",
              statistic: "Maximum",
              dimensions: { QueueName: deadLetters.name },
            },
          },
        ],
  );
  addAlarmSet(stack, "delivery-alarms", {
    set: "deliveries",
    topic,
    alarms: [
      ...ended,
      ...letters,
      {
        name: "approval-waits",
        description: "An approval has been open for more than 12 hours: slipway approvals lists it.",
        above: twelveHours,
        seconds: fiveMinutes,
        of: { namespace, name: approvalWaitingSeconds, statistic: "Maximum" },
      },
      {
        name: "silent-models",
        description:
          "A model on prod has no calls any more in hours that usually have some: the log of slipway-watch-models names it. Its callers, its keys or its route may be broken.",
        above: 0,
        seconds: 3_600,
        // Written every hour, at times in the next hour's period: one without data must not end the alarm.
        periods: 2,
        of: { namespace, name: silentModels, statistic: "Maximum" },
      },
      {
        name: "versions-not-woken",
        description:
          "A champion, or a version that a rollback may restore, did not answer its weekly call: the log of slipway-watch-models names it. slipway rollback to such a version may fail.",
        above: 0,
        seconds: fiveMinutes,
        of: { namespace, name: versionsNotWoken, statistic: "Maximum" },
      },
      {
        name: "throttles",
        description: "Lambda throttled calls in tooling's account: the account's concurrency is used up.",
        above: 0,
        seconds: fiveMinutes,
        of: { namespace: "AWS/Lambda", name: "Throttles", statistic: "Sum" },
      },
    ],
  });
  const lambda = (metric: string) =>
    [...functions.values()].map(({ lambda }) => ["AWS/Lambda", metric, "FunctionName", lambda.functionName]);
  addDashboard(stack, "dashboard", {
    name: "slipway-deliveries",
    region,
    widgets: [
      {
        title: "Deliveries by outcome",
        expressions: [`SEARCH('{${namespace},model,outcome} MetricName="Deliveries"', 'Sum', 3600)`],
      },
      {
        title: "Executions: started, succeeded, failed, aborted, timed out",
        metrics: ["Started", "Succeeded", "Failed", "Aborted", "TimedOut"].map((end) => [
          "AWS/States",
          `Executions${end}`,
          "StateMachineArn",
          machine,
        ]),
      },
      { title: "Steps: errors", metrics: lambda("Errors") },
      { title: "Steps: milliseconds", metrics: lambda("Duration") },
      { title: "Oldest open approval, seconds", metrics: [[namespace, approvalWaitingSeconds]] },
      {
        title: "Dead letters",
        metrics: [...functions.values()].flatMap(({ deadLetters }) =>
          deadLetters
            ? [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", deadLetters.name]]
            : [],
        ),
      },
    ],
  });
};
