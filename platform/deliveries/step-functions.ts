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
  StopExecutionCommand,
  TaskDoesNotExist,
  TaskTimedOut,
} from "@aws-sdk/client-sfn";
import { callAws } from "#platform/errors/call-aws.ts";
import type { Json } from "#platform/store/store.ts";
import { type Deliveries, type Execution, type ExecutionStatus, TaskGone } from "./deliveries.ts";
import { toStateEvents } from "./step-functions/state-events.ts";

/** Marks whose call started an execution, in its input; nobody but this file sees it. */
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

const toExecution = (answer: DescribeExecutionCommandOutput): Execution => {
  const { name = "", startDate, stopDate, output, error, cause } = answer;
  const status = toExecutionStatus(answer.status);
  const fallback = status === "TIMED_OUT" ? "States.Timeout" : "Interrupted";
  return {
    name,
    status,
    input: removeMark(parseJson(answer.input)),
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

/** The answer that a token's task got, as the history tells it; undefined: none. */
const findTaskResult = (history: readonly HistoryEvent[], token: string): HistoryEvent | undefined => {
  const asked = history.findIndex(({ taskScheduledEventDetails: task }) => task?.parameters?.includes(token));
  return asked < 0
    ? undefined
    : history.slice(asked).find(({ type }) => type === "TaskSucceeded" || type === "TaskFailed");
};

/**
 * Executions of a Standard state machine. Its input must be an object, and carries a mark of the call that started
 * it (`newMark`): StartExecution answers the same name and input alike whether it started anything or not, and only
 * by the mark is the caller told apart whose first answer was lost.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 *
 * DescribeExecution and ListExecutions follow with a delay of up to seconds.
 */
export const createStepFunctionsDeliveries = (needs: {
  readonly client: SFNClient;
  readonly stateMachineArn: string;
  readonly newMark?: () => string;
}): Deliveries => {
  const { client, stateMachineArn } = needs;
  const newMark = needs.newMark ?? randomUUID;
  const arnOf = (name: string) => `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${name}`;

  const read = (name: string): Promise<DescribeExecutionCommandOutput | undefined> =>
    callAws("Step Functions DescribeExecution", async () => {
      try {
        return await client.send(new DescribeExecutionCommand({ executionArn: arnOf(name) }));
      } catch (error) {
        if (error instanceof ExecutionDoesNotExist) return undefined;
        throw error;
      }
    });

  /** All of it: a history has up to 25,000 events. Its data holds the task token, so it is never logged. */
  const historyOf = async (name: string): Promise<readonly HistoryEvent[]> => {
    const events: HistoryEvent[] = [];
    let nextToken: string | undefined;
    do {
      const command = new GetExecutionHistoryCommand({
        executionArn: arnOf(name),
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

  /** Sends an answer; `wasTaken` recognises it in the history when its acknowledgement may have been lost. */
  const answer = async (
    what: string,
    token: string,
    execution: string | undefined,
    send: () => Promise<unknown>,
    wasTaken: (event: HistoryEvent) => boolean,
  ): Promise<void> => {
    const gone = (cause?: unknown) => new TaskGone("no task waits for this token", { cause });
    // The service takes 1 to 2,048 characters and would complain of the request instead.
    if (token === "" || token.length > 2_048) throw gone();
    try {
      await callAws(what, send);
    } catch (error) {
      if (!isTaskGone(error)) throw error;
      if (execution !== undefined && (error.$metadata.attempts ?? 1) > 1) {
        const event = findTaskResult(await historyOf(execution), token);
        if (event !== undefined && wasTaken(event)) return;
      }
      throw gone(error);
    }
  };

  return {
    start: async (name, input) => {
      if (!isObject(input)) throw new TypeError("An execution's input is an object.");
      const by = newMark();
      const command = new StartExecutionCommand({
        stateMachineArn,
        name,
        input: JSON.stringify({ ...input, [startMarkField]: by }),
      });
      try {
        await callAws("Step Functions StartExecution", () => client.send(command));
        return { started: true };
      } catch (error) {
        if (!(error instanceof ExecutionAlreadyExists)) throw error;
        if ((error.$metadata.attempts ?? 1) === 1) return { started: false };
        // The first attempt may have started it and the execution may have ended since.
        const present = parseJson((await read(name))?.input);
        return { started: isObject(present) && present[startMarkField] === by };
      }
    },

    describe: async (name) => {
      const found = await read(name);
      return found === undefined ? undefined : toExecution(found);
    },

    history: async (name) =>
      toStateEvents(await historyOf(name)).map((event) =>
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
        // The list has neither input nor error. One after the other: DescribeExecution is throttled early.
        for (const { name } of page.executions ?? []) {
          const found = await read(name ?? "");
          if (found === undefined) continue;
          const execution = toExecution(found);
          if (status === undefined || execution.status === status) executions.push(execution);
        }
        nextToken = page.nextToken;
      } while (nextToken !== undefined && executions.length < limit);
      return nextToken === undefined ? { executions } : { executions, cursor: nextToken };
    },

    succeed: (taskToken, output, execution) => {
      const sent = JSON.stringify(output);
      return answer(
        "Step Functions SendTaskSuccess",
        taskToken,
        execution,
        () => client.send(new SendTaskSuccessCommand({ taskToken, output: sent })),
        ({ taskSucceededEventDetails: task }) => JSON.stringify(parseJson(task?.output)) === sent,
      );
    },

    fail: (taskToken, { name, cause }, execution) =>
      answer(
        "Step Functions SendTaskFailure",
        taskToken,
        execution,
        () => client.send(new SendTaskFailureCommand({ taskToken, error: name, cause })),
        ({ taskFailedEventDetails: task }) => task?.error === name && task.cause === cause,
      ),

    stop: async (name, cause) => {
      const command = new StopExecutionCommand({ executionArn: arnOf(name), error: "Interrupted", cause });
      await callAws("Step Functions StopExecution", () => client.send(command));
    },
  };
};
