import type { HistoryEvent } from "@aws-sdk/client-sfn";
import type { ExecutionError, StateEvent } from "#platform/deliveries/deliveries.ts";
import type { Json } from "#platform/store/store.ts";

/** The error of a failed attempt, for every kind of task. */
const readError = (event: HistoryEvent): ExecutionError | undefined => {
  const details =
    event.lambdaFunctionFailedEventDetails ??
    event.lambdaFunctionTimedOutEventDetails ??
    event.lambdaFunctionScheduleFailedEventDetails ??
    event.lambdaFunctionStartFailedEventDetails ??
    event.taskFailedEventDetails ??
    event.taskTimedOutEventDetails ??
    event.taskStartFailedEventDetails ??
    event.taskSubmitFailedEventDetails ??
    event.evaluationFailedEventDetails ??
    event.executionFailedEventDetails ??
    event.executionTimedOutEventDetails;
  if (details === undefined && !/(Failed|TimedOut)$/.test(event.type ?? "")) return undefined;
  return {
    name: details?.error ?? (event.type?.endsWith("TimedOut") ? "States.Timeout" : "States.TaskFailed"),
    cause: details?.cause ?? "",
  };
};

/**
 * Converts an execution's history, oldest first, to events of its states. Requires that one state runs at a time: the
 * delivery has no Parallel and no Map. A failed attempt becomes `retried`, `caught` or `failed`, by what follows it.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
 */
export const toStateEvents = (history: readonly HistoryEvent[]): readonly StateEvent[] => {
  const stateEvents: StateEvent[] = [];
  let current: { readonly state: string; readonly enteredAt: number } | undefined;
  let lastError: ExecutionError | undefined;
  for (const event of history) {
    const at = event.timestamp?.getTime() ?? 0;
    const addEvent = (status: StateEvent["status"], rest: { output?: Json; error?: ExecutionError } = {}) => {
      if (current === undefined) return;
      const { state, enteredAt } = current;
      stateEvents.push({ state, status, at: new Date(at).toISOString(), ms: at - enteredAt, ...rest });
    };
    const type = event.type ?? "";
    if (type.endsWith("StateEntered")) {
      current = { state: event.stateEnteredEventDetails?.name ?? "", enteredAt: at };
      lastError = undefined;
      addEvent("entered");
    } else if (type.endsWith("StateExited")) {
      const output: Json = JSON.parse(event.stateExitedEventDetails?.output ?? "null");
      if (lastError === undefined) addEvent("succeeded", { output });
      else addEvent("caught", { error: lastError });
      current = undefined;
      lastError = undefined;
    } else if (type === "ExecutionFailed" || type === "ExecutionTimedOut") {
      addEvent("failed", { error: readError(event) ?? { name: "States.Runtime", cause: "" } });
    } else if ((type === "TaskScheduled" || type === "LambdaFunctionScheduled") && lastError !== undefined) {
      addEvent("retried");
      lastError = undefined;
    } else {
      lastError = readError(event) ?? lastError;
    }
  }
  return stateEvents;
};
