import type { TerraformStack } from "cdktn";
import { metricNames } from "../../platform/metrics/metrics.ts";
import { type Alarm, addAlarmSet } from "../constructs/alarm-set/alarm-set.ts";
import { createThrottleAlarm } from "../constructs/alarm-set/table-throttles.ts";
import { addDashboard } from "../constructs/dashboard/dashboard.ts";
import type { FunctionResources } from "../constructs/lambda-function/lambda-function.ts";

type Needs = {
  readonly region: string;
  readonly topic: string;
  readonly trial: boolean;
  /** ARN of the state machine. */
  readonly machine: string;
  readonly functions: ReadonlyMap<string, FunctionResources>;
  /** The table's name. */
  readonly table: string;
  /** The id of the HTTP API for Slack's callbacks. */
  readonly slackApiId: string;
  /** The id of the console's HTTP API; absent: there is no console. */
  readonly consoleApiId?: string | undefined;
};

const twelveHours = 12 * 3_600;
const fiveMinutes = 300;
/** Functions write these metrics every five minutes: with one late or failed run an alarm on them must not end. */
const halfAnHour = { count: 1, periods: 6 };
const { namespace, approvalWaitingSeconds, eventWaitingSeconds, silentModels, versionsNotWoken } =
  metricNames.deliveries;

export const addDeliveryAlarms = (
  stack: TerraformStack,
  { region, topic, trial, machine, functions, table, slackApiId, consoleApiId }: Needs,
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
    trial,
    alarms: [
      ...ended,
      ...letters,
      {
        name: "approval-waits",
        description: "An approval has been open for more than 12 hours: slipway approvals lists it.",
        above: twelveHours,
        seconds: fiveMinutes,
        outOf: halfAnHour,
        of: { namespace, name: approvalWaitingSeconds, statistic: "Maximum" },
      },
      {
        name: "silent-models",
        description:
          "A model on prod has no calls any more in hours that usually have some: the log of slipway-watch-models names it. Its callers, its keys or its route may be broken.",
        above: 0,
        seconds: 3_600,
        // Written every hour, at times in the next hour's period: one without data must not end the alarm.
        outOf: { count: 1, periods: 2 },
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
        name: "events-wait",
        description:
          "An event has waited for more than 10 minutes to be published: the log of slipway-publish-events has the reason. No event is lost.",
        above: 600,
        seconds: fiveMinutes,
        outOf: halfAnHour,
        of: { namespace, name: eventWaitingSeconds, statistic: "Maximum" },
      },
      {
        // Without dimensions: all functions of the account. One error that a retry repairs is none of an operator's.
        name: "function-errors",
        description:
          "Functions of tooling ended with errors in two of the last three periods of 5 minutes: the dashboard slipway-deliveries shows which, their logs why.",
        above: 0,
        seconds: fiveMinutes,
        outOf: { count: 2, periods: 3 },
        of: { namespace: "AWS/Lambda", name: "Errors", statistic: "Sum" },
      },
      {
        name: "slack-api",
        description:
          "Slack's callbacks got errors within 5 minutes, so a click may not have counted: the log of slipway-answer-approval has the reason; slipway approve decides without Slack.",
        above: 0,
        seconds: fiveMinutes,
        of: {
          namespace: "AWS/ApiGateway",
          name: "5xx",
          statistic: "Sum",
          dimensions: { ApiId: slackApiId },
        },
      },
      ...(consoleApiId === undefined
        ? []
        : [
            {
              name: "console-api",
              description:
                "The console answered with errors in two of the last three periods of 5 minutes: the log of slipway-show-console has the reason. Deliveries do not need it.",
              above: 0,
              seconds: fiveMinutes,
              outOf: { count: 2, periods: 3 },
              of: {
                namespace: "AWS/ApiGateway",
                name: "5xx",
                statistic: "Sum",
                dimensions: { ApiId: consoleApiId },
              },
            },
          ]),
      createThrottleAlarm(table),
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
