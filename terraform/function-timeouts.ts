import { defineDelivery, stepNames } from "../statemachine/delivery.ts";

/** Functions that the state machine does not wait for by a time-out of its own, in seconds. */
const timeoutsOutsideStateMachine: Readonly<Record<string, number>> = {
  // Slack waits 3 seconds for an answer; the function may end what it began.
  "answer-approval": 30,
  // It waits for an answer that comes by another way: its own part is to read who made the change, and a question in Slack.
  "request-approval": 300,
  "start-delivery": 120,
  "sweep-deliveries": 900,
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

/** How long a function may run, in seconds: as long as the longest of its states waits, since nobody hears it after. */
export const getFunctionTimeout = (name: string): number => {
  const seconds = timeoutsOutsideStateMachine[name] ?? longestTaskTimeouts.get(name);
  if (seconds === undefined)
    throw new RangeError(
      `terraform/function-timeouts.ts does not say how long ${name} may run: add it there.`,
    );
  return seconds;
};
