import { GetExecutionHistoryCommand, paginateListExecutions, SFNClient } from "@aws-sdk/client-sfn";
import * as z from "zod";
import { buildVariables, ExportedVariables } from "#domain/delivery/parse-built-image.ts";
import type { SmokeCheck, SmokeNeeds } from "./smoke-check.ts";

const maxExecutions = 50;
const Cause = z.object({ ExportedEnvironmentVariables: ExportedVariables });

/**
 * The Cause of the newest failed build in the last failed deliveries. It is read, never printed: a history also holds task
 * tokens.
 */
const findBuildCause = async ({ outputs }: SmokeNeeds): Promise<string | undefined> => {
  const client = new SFNClient({});
  const input = { stateMachineArn: outputs.STATE_MACHINE_ARN, statusFilter: "FAILED" as const };
  let seen = 0;
  for await (const { executions = [] } of paginateListExecutions({ client }, input))
    for (const { executionArn } of executions) {
      seen += 1;
      if (seen > maxExecutions) return undefined;
      const history = new GetExecutionHistoryCommand({ executionArn, maxResults: 100, reverseOrder: true });
      const { events = [] } = await client.send(history);
      for (const { taskFailedEventDetails: failed } of events)
        if (failed?.resource === "startBuild.sync" && failed.cause !== undefined) return failed.cause;
    }
  return undefined;
};

const parseCause = (cause: string): z.infer<typeof ExportedVariables> | undefined => {
  try {
    return Cause.safeParse(JSON.parse(cause)).data?.ExportedEnvironmentVariables;
  } catch {
    return undefined;
  }
};
const none = {
  status: "not checked",
  actual: "no delivery's build failed yet: push a model with a wrong golden row, and run this again",
} as const;

/** The form of a failed build's Cause. */
export const checkBuildCause = (needs: SmokeNeeds): SmokeCheck => ({
  behaviour: "a failed `.sync` build has the build as JSON in the error's Cause, with its exported variables",
  expected: "JSON with ExportedEnvironmentVariables",
  aboutAws: true,
  run: async () => {
    const cause = await findBuildCause(needs);
    if (cause === undefined) return none;
    const variables = parseCause(cause);
    return variables === undefined
      ? { status: "fail", actual: `${cause.length} characters in another form` }
      : { status: "pass", actual: `${variables.length} exported variables` };
  },
});

/** Whether a failed build still exports what earlier commands set. */
export const checkBuildExports = (needs: SmokeNeeds): SmokeCheck => ({
  behaviour: "a command of a buildspec that succeeds keeps its exports, although a later one fails",
  expected: `the failed build exports ${buildVariables.error}`,
  aboutAws: true,
  run: async () => {
    const cause = await findBuildCause(needs);
    const variables = cause === undefined ? undefined : parseCause(cause);
    if (variables === undefined) return none;
    const value = variables.find(({ Name }) => Name === buildVariables.error)?.Value;
    // A build that crashed before its own checks exports none.
    return value
      ? { status: "pass", actual: `${buildVariables.error} is ${value}` }
      : {
          status: "not checked",
          actual: `the last failed build has no ${buildVariables.error}: see its log`,
        };
  },
});
