import {
  CloudWatchClient,
  DescribeAlarmHistoryCommand,
  DescribeAlarmsCommand,
  SetAlarmStateCommand,
} from "@aws-sdk/client-cloudwatch";
import type { SmokeCheck, SmokeNeeds } from "./smoke-check.ts";

const attempts = 12;
const pauseMs = 5_000;
const reason = "npm run smoke:aws: a test, nothing to do";

/** Sets a quiet alarm, and reads in its history whether CloudWatch could publish to the encrypted topic. */
export const checkAlarmDelivery = ({ clock, pause }: SmokeNeeds): SmokeCheck => ({
  behaviour: "CloudWatch's requests to KMS carry the alarm's account and ARN",
  expected: "an alarm's message is published to the encrypted topic",
  writes: "sets one alarm of the tooling account for a minute, which Slack shows as a test",
  aboutAws: true,
  run: async (addCleanUp) => {
    const client = new CloudWatchClient({});
    const { MetricAlarms = [] } = await client.send(
      new DescribeAlarmsCommand({ AlarmNamePrefix: "slipway-" }),
    );
    const alarm = MetricAlarms.find(
      ({ StateValue, AlarmActions = [] }) => StateValue !== "ALARM" && AlarmActions.length > 0,
    );
    if (alarm?.AlarmName === undefined)
      return { status: "not checked", actual: "there is no quiet alarm with an action" };
    const { AlarmName, StateValue = "OK" } = alarm;
    const start = new Date(clock());
    addCleanUp(`the state of the alarm ${AlarmName}`, () =>
      client.send(new SetAlarmStateCommand({ AlarmName, StateValue, StateReason: `${reason}, over` })),
    );
    await client.send(new SetAlarmStateCommand({ AlarmName, StateValue: "ALARM", StateReason: reason }));
    for (let attempt = 0; attempt < attempts; attempt++) {
      const { AlarmHistoryItems = [] } = await client.send(
        new DescribeAlarmHistoryCommand({ AlarmName, HistoryItemType: "Action", StartDate: start }),
      );
      const summary = AlarmHistoryItems[0]?.HistorySummary;
      if (summary !== undefined)
        return { status: /^Successfully/.test(summary) ? "pass" : "fail", actual: summary };
      await pause(pauseMs);
    }
    return { status: "fail", actual: `no action in the history of ${AlarmName} after a minute` };
  },
});
