import type { Alarm } from "./alarm-set.ts";

/** DynamoDB counts throttled reads and writes of a table apart. */
export const createThrottleAlarm = (table: string): Alarm => ({
  name: "table-throttles",
  description: `DynamoDB throttled reads or writes of ${table} within 5 minutes: too many of one partition at once, or the account's limit. Callers retry; if it stays, look at the table's metrics.`,
  above: 0,
  seconds: 300,
  // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
  of: {
    sumOf: ["ReadThrottleEvents", "WriteThrottleEvents"].map((name) => ({
      namespace: "AWS/DynamoDB",
      name,
      statistic: "Sum",
      dimensions: { TableName: table },
    })),
  },
});
