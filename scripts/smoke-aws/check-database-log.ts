import { CloudWatchLogsClient, DescribeLogStreamsCommand } from "@aws-sdk/client-cloudwatch-logs";
import type { SmokeCheck } from "./smoke-check.ts";

/** Whether RDS writes into the log group that Terraform made. */
export const checkDatabaseLog = (): SmokeCheck => ({
  behaviour: "RDS writes into a log group that exists before the cluster",
  expected: "a log stream in the registry's log group of RDS",
  aboutAws: true,
  run: async () => {
    const client = new CloudWatchLogsClient({});
    const logGroupName = "/aws/rds/cluster/slipway-registry/postgresql";
    try {
      const { logStreams = [] } = await client.send(
        new DescribeLogStreamsCommand({ logGroupName, limit: 5 }),
      );
      return logStreams.length > 0
        ? { status: "pass", actual: `${logStreams.length} log streams or more` }
        : { status: "fail", actual: "no log stream" };
    } catch (error) {
      if (error instanceof Error && error.name === "ResourceNotFoundException")
        return { status: "not checked", actual: "there is no registry of Slipway's own" };
      throw error;
    }
  },
});
