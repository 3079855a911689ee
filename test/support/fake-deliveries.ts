import { type Deliveries, type Execution, TaskGone } from "#platform/deliveries/deliveries.ts";
import type { Json } from "#platform/store/store.ts";

/** Executions that a test sets, and task tokens that can each be used once. */
export const fakeDeliveries = () => {
  const executions = new Map<string, Execution>();
  const waiting = new Set<string>();
  const answers: { token: string; output?: Json; error?: { name: string; cause: string } }[] = [];
  const complete = (token: string, result: { output?: Json; error?: { name: string; cause: string } }) => {
    if (!waiting.delete(token)) throw new TaskGone("no task waits for this token");
    answers.push({ token, ...result });
  };
  const deliveries: Deliveries = {
    start: async (name, input) => {
      if (executions.has(name)) return { started: false };
      executions.set(name, { name, status: "RUNNING", input, startedAt: "2026-01-01T00:00:00Z" });
      return { started: true };
    },
    describe: async (name) => executions.get(name),
    history: async () => [],
    list: async ({ status }) => ({
      executions: [...executions.values()]
        .reverse()
        .filter((execution) => status === undefined || execution.status === status),
    }),
    succeed: async (token, output) => complete(token, { output }),
    fail: async (token, error) => complete(token, { error }),
  };
  return { deliveries, executions, waiting, answers };
};
