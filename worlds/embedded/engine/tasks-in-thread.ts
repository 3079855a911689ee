import { type StepName, stepNames } from "#statemachine/delivery.ts";
import type { World } from "#worlds/embedded/world.ts";
import { createAnswerApproval } from "./create-answer-approval.ts";
import type { Steps } from "./steps.ts";
import type { StepsThreadClient } from "./steps-thread-client.ts";
import type { EngineTasks } from "./tasks.ts";

/**
 * Runs steps in another thread, so that their work does not delay requests to prod. Slack's callbacks run in this thread,
 * because Slack waits only 3 s and they read no commit.
 */
export const createThreadTasks = (
  world: World,
  thread: StepsThreadClient,
  /** Writes this thread's metrics to the database. */
  flushMetrics: () => void,
): EngineTasks => {
  const answering = createAnswerApproval(world);
  const inThread = <Name extends StepName>(name: Name): Steps["machine"][Name] =>
    ((event: unknown) =>
      thread.call(name, ...([event] as Parameters<Steps["machine"][Name]>))) as Steps["machine"][Name];
  return {
    steps: {
      machine: {
        ...(Object.fromEntries(stepNames.map((name) => [name, inThread(name)])) as Steps["machine"]),
        // The other thread reads this thread's metrics from the database.
        "judge-canary": async (event) => {
          flushMetrics();
          return thread.call("judge-canary", event);
        },
      },
      startDelivery: (event) => thread.call("start-delivery", event),
      ...answering,
      sweepDeliveries: (event) => thread.call("sweep-deliveries", event),
      watchModels: async (event) => {
        flushMetrics();
        return thread.call("watch-models", event);
      },
    },
    build: (event) => thread.call("build", event),
    runtime: () => thread.call("runtime"),
    rowsToAsk: (model) => thread.call("rows-to-ask", model),
    stop: async () => {
      await answering.followUps.stop();
      await thread.stop();
    },
  };
};
