import { randomUUID } from "node:crypto";
import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  InvalidToken,
  ListExecutionsCommand,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  type SFNClient,
  StartExecutionCommand,
  TaskDoesNotExist,
  TaskTimedOut,
} from "@aws-sdk/client-sfn";
import { callAws } from "#platform/errors/call-aws.ts";
import type { Json } from "#platform/store/store.ts";
import { type Deliveries, type Execution, type ExecutionStatus, TaskGone } from "./deliveries.ts";
import { toStateEvents } from "./step-functions/state-events.ts";

/** The field of an execution's input that identifies the call that started it; only this file sees it. */
const startMarkField = "startedBy";

type JsonObject = { [key: string]: Json };
const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const parseJson = (text: string | undefined): Json => JSON.parse(text ?? "null");
const removeMark = (value: Json): Json => {
  if (!isObject(value)) return value;
  const { [startMarkField]: _, ...rest } = value;
  return rest;
};

const toExecutionStatus = (status: string | undefined): ExecutionStatus => {
  switch (status) {
    case "SUCCEEDED":
    case "FAILED":
    case "ABORTED":
    case "TIMED_OUT":
      return status;
    default:
      return "RUNNING";
  }
};

const toExecution = (response: DescribeExecutionCommandOutput): Execution => {
  const { name = "", startDate, stopDate, output, error, cause } = response;
  const status = toExecutionStatus(response.status);
  const fallback = status === "TIMED_OUT" ? "States.Timeout" : "Interrupted";
  return {
    name,
    status,
    input: removeMark(parseJson(response.input)),
    startedAt: (startDate ?? new Date(0)).toISOString(),
    ...(stopDate === undefined ? {} : { endedAt: stopDate.toISOString() }),
    ...(output === undefined ? {} : { output: removeMark(parseJson(output)) }),
    ...(status === "RUNNING" || status === "SUCCEEDED"
      ? {}
      : { error: { name: error ?? fallback, cause: cause ?? "" } }),
  };
};

const isTaskGone = (error: unknown): error is Error & { $metadata: { attempts?: number } } =>
  error instanceof TaskTimedOut || error instanceof TaskDoesNotExist || error instanceof InvalidToken;

/** The event with the result of a token's task; undefined if it has none. */
const findTaskResult = (history: readonly HistoryEvent[], token: string): HistoryEvent | undefined => {
  const scheduledAt = history.findIndex(({ taskScheduledEventDetails: task }) =>
    task?.parameters?.includes(token),
  );
  return scheduledAt < 0
    ? undefined
    : history.slice(scheduledAt).find(({ type }) => type === "TaskSucceeded" || type === "TaskFailed");
};

/**
 * Executions of a Standard state machine. The input must be an object and carries a mark of the call that started it
 * (`newMark`). StartExecution returns the same response for a new and for a running execution of this name and input.
 * Only the mark shows whether a call with a lost response started it.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 *
 * DescribeExecution and ListExecutions lag by up to seconds.
 */
export const createStepFunctionsDeliveries = (needs: {
  readonly client: SFNClient;
  readonly stateMachineArn: string;
  readonly newMark?: () => string;
}): Deliveries => {
  const { client, stateMachineArn } = needs;
  const newMark = needs.newMark ?? randomUUID;
  const toExecutionArn = (name: string) =>
    `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${name}`;

  const read = (name: string): Promise<DescribeExecutionCommandOutput | undefined> =>
    callAws("Step Functions DescribeExecution", async () => {
      try {
        return await client.send(new DescribeExecutionCommand({ executionArn: toExecutionArn(name) }));
      } catch (error) {
        if (error instanceof ExecutionDoesNotExist) return undefined;
        throw error;
      }
    });

  /** Reads all pages (up to 25,000 events). Never log the result: it contains the task token. */
  const readHistory = async (name: string): Promise<readonly HistoryEvent[]> => {
    const events: HistoryEvent[] = [];
    let nextToken: string | undefined;
    do {
      const command = new GetExecutionHistoryCommand({
        executionArn: toExecutionArn(name),
        maxResults: 1_000,
        nextToken,
      });
      const page = await callAws("Step Functions GetExecutionHistory", async () => {
        try {
          return await client.send(command);
        } catch (error) {
          if (error instanceof ExecutionDoesNotExist) return undefined;
          throw error;
        }
      });
      events.push(...(page?.events ?? []));
      nextToken = page?.nextToken;
    } while (nextToken !== undefined);
    return events;
  };

  /** Sends a task's result; after a retry, `isSameResult` finds it in the history, as the first response may be lost. */
  const sendResult = async (
    operation: string,
    token: string,
    execution: string | undefined,
    send: () => Promise<unknown>,
    isSameResult: (event: HistoryEvent) => boolean,
  ): Promise<void> => {
    const createTaskGone = (cause?: unknown) => new TaskGone("no task waits for this token", { cause });
    // The service refuses other lengths with a validation error instead of TaskDoesNotExist.
    if (token === "" || token.length > 2_048) throw createTaskGone();
    try {
      await callAws(operation, send);
    } catch (error) {
      if (!isTaskGone(error)) throw error;
      if (execution !== undefined && (error.$metadata.attempts ?? 1) > 1) {
        const event = findTaskResult(await readHistory(execution), token);
        if (event !== undefined && isSameResult(event)) return;
      }
      throw createTaskGone(error);
    }
  };

  return {
    start: async (name, input) => {
      if (!isObject(input)) throw new TypeError("An execution's input must be an object.");
      const mark = newMark();
      const command = new StartExecutionCommand({
        stateMachineArn,
        name,
        input: JSON.stringify({ ...input, [startMarkField]: mark }),
      });
      try {
        await callAws("Step Functions StartExecution", () => client.send(command));
        return { started: true };
      } catch (error) {
        if (!(error instanceof ExecutionAlreadyExists)) throw error;
        if ((error.$metadata.attempts ?? 1) === 1) return { started: false };
        // The first attempt may have started it, and the execution may have ended since.
        const existingInput = parseJson((await read(name))?.input);
        return { started: isObject(existingInput) && existingInput[startMarkField] === mark };
      }
    },

    describe: async (name) => {
      const response = await read(name);
      return response === undefined ? undefined : toExecution(response);
    },

    history: async (name) =>
      toStateEvents(await readHistory(name)).map((event) =>
        event.output === undefined ? event : { ...event, output: removeMark(event.output) },
      ),

    list: async ({ limit, status, after }) => {
      const executions: Execution[] = [];
      let nextToken = after;
      do {
        const command = new ListExecutionsCommand({
          stateMachineArn,
          maxResults: Math.min(1_000, limit - executions.length),
          ...(status === undefined ? {} : { statusFilter: status }),
          nextToken,
        });
        const page = await callAws("Step Functions ListExecutions", () => client.send(command));
        // The list lacks input and error. Sequential reads: AWS throttles DescribeExecution early.
        for (const { name } of page.executions ?? []) {
          const response = await read(name ?? "");
          if (response === undefined) continue;
          const execution = toExecution(response);
          if (status === undefined || execution.status === status) executions.push(execution);
        }
        nextToken = page.nextToken;
      } while (nextToken !== undefined && executions.length < limit);
      return nextToken === undefined ? { executions } : { executions, cursor: nextToken };
    },

    succeed: (taskToken, output, execution) => {
      const outputJson = JSON.stringify(output);
      return sendResult(
        "Step Functions SendTaskSuccess",
        taskToken,
        execution,
        () => client.send(new SendTaskSuccessCommand({ taskToken, output: outputJson })),
        ({ taskSucceededEventDetails: task }) => JSON.stringify(parseJson(task?.output)) === outputJson,
      );
    },

    fail: (taskToken, { name, cause }, execution) =>
      sendResult(
        "Step Functions SendTaskFailure",
        taskToken,
        execution,
        () => client.send(new SendTaskFailureCommand({ taskToken, error: name, cause })),
        ({ taskFailedEventDetails: task }) => task?.error === name && task.cause === cause,
      ),
  };
};
