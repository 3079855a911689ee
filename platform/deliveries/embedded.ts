import { StateMachine, type StateMachineDefinition } from "aws-local-stepfunctions";
import type { Database } from "#platform/store/open-database.ts";
import type { Json } from "#platform/store/store.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { type Deliveries, type ExecutionStatus, type StateEvent, TaskGone } from "./deliveries.ts";
import { createExecutionTable, type ExecutionPosition } from "./execution-table.ts";

/** What a Task state's Resource names, run here: it gets the state's Parameters and gives its result. */
type TaskHandlers = Readonly<Record<string, (event: Json) => Promise<Json | undefined>>>;

type EmbeddedDeliveriesDependencies = {
  readonly database: Database;
  readonly definition: { readonly StartAt: string; readonly States: Readonly<Record<string, object>> };
  /** By function name (the last part of a Lambda ARN), and `codebuild:startBuild.sync`. */
  readonly tasks: TaskHandlers;
  readonly clock: () => number;
  readonly newToken: () => string;
  /** Shortens Wait states, by name, in milliseconds; all else runs as defined. */
  readonly waits?: Readonly<Record<string, number>>;
  /** Milliseconds before each retry, in place of the definition's intervals. */
  readonly retryMs?: number;
  readonly onEvent?: (name: string, event: StateEvent) => void;
  /** An event could not be written (a full disk): the execution stands still until the next start sweeps it. */
  readonly onFault?: (sentence: string, fault: unknown) => void;
  readonly onEnd?: (name: string, status: ExecutionStatus) => void;
};

type ExecutionError = { readonly name: string; readonly cause: string };
type PendingTask = {
  readonly execution: string;
  readonly resolve: (output: Json) => void;
  readonly reject: (fault: Error) => void;
};

/** The engine takes an Error's name for Error and its message for Cause. */
const toEngineError = ({ name, cause }: ExecutionError): Error => Object.assign(new Error(cause), { name });

/** A step's fault as Lambda reports it: the name for Catch, the rest as JSON in Cause. */
const toLambdaError = (thrown: unknown): Error => {
  const { name, message } = thrown instanceof Error ? thrown : new Error(String(thrown));
  // What a build reports is in CodeBuild's form already.
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
 * Executions on aws-local-stepfunctions, kept in the database. Like the service it stands for, it outlives the
 * process: `resume` brings an execution that waits for its token back to that state, where the task runs again under
 * a new token. Any other execution that the process took with it is ABORTED, for sweep-deliveries to put right.
 * What the service has and the engine lacks: an aborted execution's running task is not stopped (its fence is).
 */
export const createEmbeddedDeliveries = (
  needs: EmbeddedDeliveriesDependencies,
): Deliveries & {
  resume(): Promise<{ resumed: string[]; interrupted: string[] }>;
  idle(): Promise<void>;
  close(): void;
} => {
  const { definition, tasks, clock, newToken } = needs;
  const table = createExecutionTable(needs.database);
  const waiting = new Map<string, PendingTask>();
  let closed = false;
  const running = new Map<string, { abort: () => void; ended: Promise<void> }>();

  /** The function's name, or the service integration, that a Task state's Resource stands for. */
  const taskOf = (
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
    const task = taskOf(state);
    if (task && !getOwnProperty(tasks, task.name))
      throw new Error(`nothing runs the task ${task.name} of state ${name}`);
  }

  const states = Object.fromEntries(
    Object.entries(definition.States).map(([name, state]) => [
      name,
      moveTimeoutToParameters(structuredClone(state)),
    ]),
  );

  const forget = (execution: string) => {
    for (const [token, { execution: owner }] of waiting) if (owner === execution) waiting.delete(token);
  };

  const run = (name: string, position: ExecutionPosition): void => {
    const notes = recorder(name);
    const handlers = Object.fromEntries(
      Object.entries(definition.States).flatMap(([stateName, state]) => {
        const task = taskOf(state);
        const handle = task && getOwnProperty(tasks, task.name);
        if (!task || !handle) return [];
        const handler = async (input: Json): Promise<Json> => {
          // The state is on disk before its work begins: a kill in its midst is then known to be there.
          await notes.entered(stateName);
          const event = structuredClone(task.event(input));
          if (!waitsForToken(state))
            return (await handle(event).catch((thrown) => Promise.reject(toLambdaError(thrown)))) ?? null;
          const token = isJsonObject(event) ? String(event.taskToken) : "";
          // The token of a try before this one is answered by nobody any more.
          forget(name);
          const answer = new Promise<Json>((resolve, reject) =>
            waiting.set(token, { execution: name, resolve, reject }),
          );
          // The task may answer before this is awaited, and its own fault must not leave a rejection unheard.
          answer.catch(() => undefined);
          await handle(event).catch((thrown) => Promise.reject(toLambdaError(thrown)));
          return answer;
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
    const record = notes.record(execution.eventLogs);
    // What cannot be written must not go on; `resume` takes it up once the file can be written again.
    record.catch(() => execution.abort());
    const endOfIt = (async () => {
      const end = await result;
      await record;
      forget(name);
      running.delete(name);
      if (closed) return;
      if (table.finish(name, end, clock())) needs.onEnd?.(name, end.status);
    })().catch((fault: unknown) => {
      running.delete(name);
      needs.onFault?.(`the course of ${name} could not be written`, fault);
    });
    running.set(name, { abort: execution.abort, ended: endOfIt });
  };

  /** Writes an execution's events as they come and tells when a state's entry is written. */
  const recorder = (name: string) => {
    const enteredAt = new Map<string, number>();
    const caught = new Set<string>();
    const written = new Map<string, { promise: Promise<void>; resolve: () => void }>();
    const entry = (state: string) => {
      const found = written.get(state) ?? Promise.withResolvers<void>();
      written.set(state, found);
      return found;
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
      entered: (state: string) => entry(state).promise,
      record: async (events: ReturnType<StateMachine["run"]>["eventLogs"]) => {
        for await (const event of events) {
          if (closed) return;
          const at = event.timestamp;
          switch (event.type) {
            case "StateEntered":
              enteredAt.set(event.state.name, at);
              table.enter(name, { state: event.state.name, data: event.state.input as Json });
              add(event.state.name, "entered", at);
              entry(event.state.name).resolve();
              break;
            case "StateExited":
              written.delete(event.state.name);
              // A caught fault leaves its state too, and has been told of.
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
          // A retry is told of when the next try has its token already: only who leaves the state is done with it.
          if (
            (event.type === "StateExited" || event.type === "StateCaught") &&
            waitsForToken(getOwnProperty(definition.States, event.state.name))
          )
            forget(name);
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
      const task = waiting.get(token);
      if (!task) throw new TaskGone("no task waits for this token");
      waiting.delete(token);
      task.resolve(structuredClone(output));
    },
    fail: async (token, error) => {
      const task = waiting.get(token);
      if (!task) throw new TaskGone("no task waits for this token");
      waiting.delete(token);
      task.reject(toEngineError(error));
    },
    stop: async (name, cause) => {
      if (table.finish(name, { status: "ABORTED", error: { name: "Interrupted", cause } }, clock()))
        needs.onEnd?.(name, "ABORTED");
      forget(name);
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
            run(name, position);
            resumed.push(name);
          } else {
            const cause = `the process ended while ${position ? `${position.state} ran` : "it was being started"}`;
            if (table.finish(name, { status: "ABORTED", error: { name: "Interrupted", cause } }, clock()))
              interrupted.push(name);
          }
        }
        if (!page.cursor) return { resumed, interrupted };
        after = page.cursor;
      }
    },
    /**
     * Ends the engine as a kill would: nothing more is written, so that what was under way is what `resume` finds, and no
     * execution ends for what ends with this process.
     */
    close: () => {
      closed = true;
      for (const { abort } of running.values()) abort();
    },
    /** Resolves when no execution runs here any more. */
    idle: async () => {
      while (running.size > 0) await Promise.all([...running.values()].map(({ ended: end }) => end));
    },
  };
};

/**
 * The engine looks for TimeoutSecondsPath in what Parameters made, where the States Language means the state's input
 * (https://states-language.net/#task-state): the value is handed to it there.
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

/** The engine wraps the fault that a Fail state, or a state without a Catch, ended with. */
const unwrapError = (thrown: unknown, name: string, message: string): ExecutionError =>
  thrown instanceof Error && thrown.cause instanceof Error
    ? { name: thrown.cause.name, cause: thrown.cause.message }
    : { name, cause: message };
