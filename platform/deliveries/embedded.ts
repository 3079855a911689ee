import { StateMachine, type StateMachineDefinition } from "aws-local-stepfunctions";
import type { Database } from "#platform/store/open-database.ts";
import type { Json } from "#platform/store/store.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import {
  type Deliveries,
  type ExecutionError,
  type ExecutionStatus,
  type StateEvent,
  TaskGone,
} from "./deliveries.ts";
import { createExecutionTable, type ExecutionPosition } from "./execution-table.ts";

/** Handlers by the Resource of a Task state: each gets the state's Parameters and returns its result. */
type TaskHandlers = Readonly<Record<string, (event: Json) => Promise<Json | undefined>>>;

type EmbeddedDeliveriesDependencies = {
  readonly database: Database;
  readonly definition: { readonly StartAt: string; readonly States: Readonly<Record<string, object>> };
  /** Keys: function names (the last part of a Lambda ARN) and `codebuild:startBuild.sync`. */
  readonly tasks: TaskHandlers;
  readonly clock: () => number;
  readonly newToken: () => string;
  /** Milliseconds of Wait states by state name, in place of the definition's. */
  readonly waits?: Readonly<Record<string, number>>;
  /** Completes the data of an execution that another version of the definition has begun. */
  readonly completeData?: (data: Json) => Json;
  /** Milliseconds before each retry, in place of the definition's intervals. */
  readonly retryMs?: number;
  readonly onEvent?: (name: string, event: StateEvent) => void;
  /** An event could not be written, for instance to a full disk: the execution stops until the next `resume`. */
  readonly onError?: (sentence: string, error: unknown) => void;
  readonly onEnd?: (name: string, status: ExecutionStatus) => void;
};

type PendingTask = {
  readonly execution: string;
  readonly resolve: (output: Json) => void;
  readonly reject: (error: Error) => void;
};

/** The engine reads Error from an error's name and Cause from its message. */
const toEngineError = ({ name, cause }: ExecutionError): Error => Object.assign(new Error(cause), { name });

/** A step's error as Lambda reports it: Catch matches the name, and Cause holds JSON. */
const toLambdaError = (thrown: unknown): Error => {
  const { name, message } = thrown instanceof Error ? thrown : new Error(String(thrown));
  // A build's error already has CodeBuild's form.
  if (name === "States.TaskFailed") return toEngineError({ name, cause: message });
  return toEngineError({
    name,
    cause: JSON.stringify({ errorType: name, errorMessage: message, trace: [] }),
  });
};

const isJsonObject = (value: unknown): value is { readonly [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const waitForTokenResource = "arn:aws:states:::lambda:invoke.waitForTaskToken";

/**
 * Executions on aws-local-stepfunctions, stored in the database. Like executions of Step Functions, they outlive the
 * process: `resume` takes an execution that waits for a token back to that state and runs its task again with a new
 * token. It ends every other interrupted execution as ABORTED, and sweep-deliveries repairs it.
 * Unlike Step Functions, the engine cannot stop the running task of an aborted execution; only its fence stops it.
 */
export const createEmbeddedDeliveries = (
  needs: EmbeddedDeliveriesDependencies,
): Deliveries & {
  resume(): Promise<{ resumed: string[]; interrupted: string[] }>;
  abort(name: string, cause: string): void;
  idle(): Promise<void>;
  close(): void;
} => {
  const { definition, tasks, clock, newToken } = needs;
  const table = createExecutionTable(needs.database);
  const pendingTasks = new Map<string, PendingTask>();
  let closed = false;
  const running = new Map<string, { abort: () => void; ended: Promise<void> }>();

  /** The function's name, or the service integration, of a Task state's Resource. */
  const parseTask = (
    state: object,
  ): { readonly name: string; readonly event: (input: Json) => Json } | undefined => {
    if (!("Type" in state && state.Type === "Task" && "Resource" in state)) return undefined;
    const resource = String(state.Resource);
    const functionName = (arn: unknown) => String(arn).split(":").at(-1) ?? "";
    if (resource === waitForTokenResource && "Parameters" in state && isJsonObject(state.Parameters))
      return {
        name: functionName(state.Parameters.FunctionName),
        event: (input) => (isJsonObject(input) ? (input.Payload ?? null) : null),
      };
    if (resource.startsWith("arn:aws:states:::"))
      return { name: resource.slice("arn:aws:states:::".length), event: (input) => input };
    return { name: functionName(resource), event: (input) => input };
  };
  const waitsForToken = (state: object | undefined) =>
    state !== undefined && "Resource" in state && state.Resource === waitForTokenResource;

  for (const [name, state] of Object.entries(definition.States)) {
    const task = parseTask(state);
    if (task && !getOwnProperty(tasks, task.name))
      throw new Error(`no handler for task ${task.name} of state ${name}`);
  }

  const states = Object.fromEntries(
    Object.entries(definition.States).map(([name, state]) => [
      name,
      moveTimeoutToParameters(structuredClone(state)),
    ]),
  );

  const removePendingTasks = (name: string) => {
    for (const [token, { execution }] of pendingTasks) if (execution === name) pendingTasks.delete(token);
  };

  const run = (name: string, position: ExecutionPosition): void => {
    const recorder = createRecorder(name);
    const handlers = Object.fromEntries(
      Object.entries(definition.States).flatMap(([stateName, state]) => {
        const task = parseTask(state);
        const handle = task && getOwnProperty(tasks, task.name);
        if (!task || !handle) return [];
        const handler = async (input: Json): Promise<Json> => {
          // The state must be on disk before its task starts, so that a kill during the task is attributed to it.
          await recorder.entered(stateName);
          const event = structuredClone(task.event(input));
          if (!waitsForToken(state))
            return (await handle(event).catch((thrown) => Promise.reject(toLambdaError(thrown)))) ?? null;
          const token = isJsonObject(event) ? String(event.taskToken) : "";
          // A retry has a new token; the previous attempt's is invalid from here on.
          removePendingTasks(name);
          const taskResult = new Promise<Json>((resolve, reject) =>
            pendingTasks.set(token, { execution: name, resolve, reject }),
          );
          // The result may come before anything awaits it, and if the handler throws, nothing ever awaits it.
          taskResult.catch(() => undefined);
          await handle(event).catch((thrown) => Promise.reject(toLambdaError(thrown)));
          return taskResult;
        };
        return [[stateName, handler] as const];
      }),
    );
    const machine = new StateMachine(
      { ...definition, StartAt: position.state, States: states } as StateMachineDefinition,
      { validationOptions: { noValidate: true } },
    );
    const { retryMs } = needs;
    const execution = machine.run(structuredClone(position.data), {
      overrides: {
        taskResourceLocalHandlers: handlers,
        waitTimeOverrides: { ...needs.waits },
        ...(retryMs === undefined
          ? {}
          : {
              retryIntervalOverrides: Object.fromEntries(
                Object.keys(handlers).map((state) => [state, retryMs]),
              ),
            }),
      },
      context: {
        Execution: {
          Name: name,
          Input: structuredClone(position.data),
          StartTime: new Date(clock()).toISOString(),
        },
        Task: {
          get Token() {
            return newToken();
          },
        },
      },
    });
    const result = execution.result.then(
      (output) => ({ status: "SUCCEEDED" as const, output: output as Json }),
      (thrown: unknown) => classifyEnd(thrown),
    );
    const record = recorder.record(execution.eventLogs);
    // An execution whose events cannot be written must stop; a later `resume` handles it.
    record.catch(() => execution.abort());
    const ended = (async () => {
      const end = await result;
      await record;
      removePendingTasks(name);
      running.delete(name);
      if (closed) return;
      if (table.finish(name, end, clock())) needs.onEnd?.(name, end.status);
    })().catch((error: unknown) => {
      running.delete(name);
      needs.onError?.(`the events of ${name} could not be written`, error);
    });
    running.set(name, { abort: execution.abort, ended });
  };

  /** Writes an execution's events as they arrive; `entered` resolves once a state's entry is written. */
  const createRecorder = (name: string) => {
    const enteredAt = new Map<string, number>();
    const caught = new Set<string>();
    const writtenEntries = new Map<string, { promise: Promise<void>; resolve: () => void }>();
    const getEntry = (state: string) => {
      const entry = writtenEntries.get(state) ?? Promise.withResolvers<void>();
      writtenEntries.set(state, entry);
      return entry;
    };
    const add = (
      state: string,
      status: StateEvent["status"],
      at: number,
      rest: { output?: Json; error?: ExecutionError } = {},
    ) => {
      const ms = at - (enteredAt.get(state) ?? at);
      table.addEvent(name, { state, status, at, ms, ...rest });
      needs.onEvent?.(name, { state, status, at: new Date(at).toISOString(), ms, ...rest });
    };
    return {
      entered: (state: string) => getEntry(state).promise,
      record: async (events: ReturnType<StateMachine["run"]>["eventLogs"]) => {
        for await (const event of events) {
          if (closed) return;
          const at = event.timestamp;
          switch (event.type) {
            case "StateEntered":
              enteredAt.set(event.state.name, at);
              table.enter(name, { state: event.state.name, data: event.state.input as Json });
              add(event.state.name, "entered", at);
              getEntry(event.state.name).resolve();
              break;
            case "StateExited":
              writtenEntries.delete(event.state.name);
              // A caught error also exits its state, and StateCaught has recorded it.
              if (caught.delete(event.state.name)) break;
              add(event.state.name, "succeeded", at, { output: (event.state.output ?? null) as Json });
              break;
            case "StateFailed":
              add(event.state.name, "failed", at, {
                error: { name: event.Error, cause: String(event.Cause) },
              });
              break;
            case "StateRetried":
              add(event.state.name, "retried", at);
              break;
            case "StateCaught":
              caught.add(event.state.name);
              add(event.state.name, "caught", at);
              break;
            default:
              break;
          }
          // StateRetried comes after the next attempt has its token, so only leaving the state invalidates tokens.
          if (
            (event.type === "StateExited" || event.type === "StateCaught") &&
            waitsForToken(getOwnProperty(definition.States, event.state.name))
          )
            removePendingTasks(name);
        }
      },
    };
  };

  return {
    start: async (name, input) => {
      if (!table.start(name, input, clock())) return { started: false };
      run(name, { state: definition.StartAt, data: input });
      return { started: true };
    },
    describe: async (name) => table.read(name),
    history: async (name) => table.events(name),
    list: async (options) => table.list(options),
    succeed: async (token, output) => {
      const task = pendingTasks.get(token);
      if (!task) throw new TaskGone("no task waits for this token");
      pendingTasks.delete(token);
      task.resolve(structuredClone(output));
    },
    fail: async (token, error) => {
      const task = pendingTasks.get(token);
      if (!task) throw new TaskGone("no task waits for this token");
      pendingTasks.delete(token);
      task.reject(toEngineError(error));
    },
    /** Ends an execution as ABORTED, as a person can in AWS's console. */
    abort: (name, cause) => {
      if (table.finish(name, { status: "ABORTED", error: { name: "Interrupted", cause } }, clock()))
        needs.onEnd?.(name, "ABORTED");
      removePendingTasks(name);
      running.get(name)?.abort();
    },
    resume: async () => {
      const resumed: string[] = [];
      const interrupted: string[] = [];
      for (let after: string | undefined; ; ) {
        const page = table.list({ limit: 100, status: "RUNNING", ...(after ? { after } : {}) });
        for (const { name } of page.executions) {
          if (running.has(name)) continue;
          const position = table.position(name);
          if (position && waitsForToken(getOwnProperty(definition.States, position.state))) {
            run(name, { ...position, data: needs.completeData?.(position.data) ?? position.data });
            resumed.push(name);
          } else {
            const cause = `the process ended during ${position ? position.state : "the start"}`;
            if (table.finish(name, { status: "ABORTED", error: { name: "Interrupted", cause } }, clock()))
              interrupted.push(name);
          }
        }
        if (!page.cursor) return { resumed, interrupted };
        after = page.cursor;
      }
    },
    /**
     * Ends the engine as a kill would: it writes nothing more. `resume` finds the executions that were running, and no
     * execution fails because this process ends.
     */
    close: () => {
      closed = true;
      for (const { abort } of running.values()) abort();
    },
    /** Resolves once no execution runs in this process. */
    idle: async () => {
      while (running.size > 0) await Promise.all([...running.values()].map(({ ended }) => ended));
    },
  };
};

/**
 * The engine resolves TimeoutSecondsPath against the result of Parameters, but the States Language resolves it against
 * the state's input (https://states-language.net/#task-state). So this copies the value into Parameters.
 */
const moveTimeoutToParameters = (state: object): object =>
  "TimeoutSecondsPath" in state && "Parameters" in state && isJsonObject(state.Parameters)
    ? {
        ...state,
        Parameters: { ...state.Parameters, "TimeoutSeconds.$": state.TimeoutSecondsPath },
        TimeoutSecondsPath: "$.TimeoutSeconds",
      }
    : state;

const classifyEnd = (thrown: unknown): { status: ExecutionStatus; error: ExecutionError } => {
  const { name, message } = thrown instanceof Error ? thrown : new Error(String(thrown));
  switch (name) {
    case "ExecutionTimeoutError":
      return { status: "TIMED_OUT", error: { name: "Engine.Timeout", cause: message } };
    case "ExecutionAbortedError":
      return { status: "ABORTED", error: { name: "Interrupted", cause: message } };
    default:
      return { status: "FAILED", error: unwrapError(thrown, name, message) };
  }
};

/** The engine wraps the error of a Fail state and of a state without a Catch. */
const unwrapError = (thrown: unknown, name: string, message: string): ExecutionError =>
  thrown instanceof Error && thrown.cause instanceof Error
    ? { name: thrown.cause.name, cause: thrown.cause.message }
    : { name, cause: message };
