import { defineDelivery, stepNames } from "../statemachine/delivery.ts";

/** Timeouts in seconds of functions without a task timeout in the state machine. */
const timeoutsOutsideStateMachine: Readonly<Record<string, number>> = {
  // Slack waits 3 seconds for a response; the asynchronous invocation looks up addresses and edits a message.
  "answer-approval": 60,
  // The task waits for a decision, but the function only reads the contributors and posts a message to Slack.
  "request-approval": 300,
  "publish-events": 60,
  // Some twenty calls to GitHub for a delivery, and a schedule that repeats several deliveries.
  "report-source": 300,
  // API Gateway waits 30 seconds.
  "show-console": 25,
  "start-delivery": 120,
  "sweep-deliveries": 900,
  // One call for each version, and a cold start takes seconds.
  "watch-models": 900,
  notify: 30,
};

const definition = defineDelivery({
  functions: Object.fromEntries(stepNames.map((name) => [name, name])) as Record<
    (typeof stepNames)[number],
    string
  >,
  buildProject: "",
});

const longestTaskTimeouts = new Map<string, number>();
for (const state of Object.values(definition.States))
  if (state.Type === "Task" && "TimeoutSeconds" in state)
    longestTaskTimeouts.set(
      state.Resource,
      Math.max(longestTaskTimeouts.get(state.Resource) ?? 0, state.TimeoutSeconds),
    );

/** A function's timeout in seconds: the longest timeout of its states, because a later result is lost. */
export const getFunctionTimeout = (name: string): number => {
  const seconds = timeoutsOutsideStateMachine[name] ?? longestTaskTimeouts.get(name);
  if (seconds === undefined)
    throw new RangeError(`terraform/function-timeouts.ts has no timeout for ${name}: add it.`);
  return seconds;
};
