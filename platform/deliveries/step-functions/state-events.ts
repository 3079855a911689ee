import type { HistoryEvent } from "@aws-sdk/client-sfn";
import type { StateEvent } from "#platform/deliveries/deliveries.ts";
import type { Json } from "#platform/store/store.ts";

type ExecutionError = { readonly name: string; readonly cause: string };

/** What one attempt of a state's work failed with, in whichever way the work was called. */
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
 * An execution's history, oldest first, as the story of its states. One state runs at a time: the delivery has no
 * Parallel and no Map. A failed attempt is told by what came of it: another attempt, a Catch, or the execution's end.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
 */
export const toStateEvents = (history: readonly HistoryEvent[]): readonly StateEvent[] => {
  const told: StateEvent[] = [];
  let current: { readonly state: string; readonly enteredAt: number } | undefined;
  let fault: ExecutionError | undefined;
  for (const event of history) {
    const at = event.timestamp?.getTime() ?? 0;
    const tell = (status: StateEvent["status"], rest: { output?: Json; error?: ExecutionError } = {}) => {
      if (current === undefined) return;
      const { state, enteredAt } = current;
      told.push({ state, status, at: new Date(at).toISOString(), ms: at - enteredAt, ...rest });
    };
    const type = event.type ?? "";
    if (type.endsWith("StateEntered")) {
      current = { state: event.stateEnteredEventDetails?.name ?? "", enteredAt: at };
      fault = undefined;
      tell("entered");
    } else if (type.endsWith("StateExited")) {
      const output: Json = JSON.parse(event.stateExitedEventDetails?.output ?? "null");
      if (fault === undefined) tell("succeeded", { output });
      else tell("caught", { error: fault });
      current = undefined;
      fault = undefined;
    } else if (type === "ExecutionFailed" || type === "ExecutionTimedOut") {
      tell("failed", { error: readError(event) ?? { name: "States.Runtime", cause: "" } });
    } else if ((type === "TaskScheduled" || type === "LambdaFunctionScheduled") && fault !== undefined) {
      tell("retried");
      fault = undefined;
    } else {
      fault = readError(event) ?? fault;
    }
  }
  return told;
};
