import { setTimeout as pause } from "node:timers/promises";
import type { Deliveries, ExecutionStatus, StateEvent } from "#platform/deliveries/deliveries.ts";

type Needs = {
  readonly deliveries: Deliveries;
  readonly onEvent: (name: string, event: StateEvent) => void;
  /** Called once after the execution's end; `ended` waits for it. */
  readonly onEnd: (name: string, status: ExecutionStatus) => Promise<void>;
};

const pollIntervalMs = 200;

/** Polls executions until they end, because moto has no EventBridge events. */
export const watchExecutions = ({ deliveries, onEvent, onEnd }: Needs) => {
  const controller = new AbortController();
  const executions = new Map<string, Promise<void>>();

  const follow = async (name: string): Promise<void> => {
    for (let reported = 0; !controller.signal.aborted; ) {
      // Read before the history, which does not grow after the end.
      const execution = await deliveries.describe(name);
      const history = await deliveries.history(name);
      for (const event of history.slice(reported)) onEvent(name, event);
      reported = history.length;
      if (execution && execution.status !== "RUNNING") return onEnd(name, execution.status);
      await pause(pollIntervalMs, undefined, { signal: controller.signal }).catch(() => undefined);
    }
  };
  return {
    /** Resolves when the execution has ended and `onEnd` is done. */
    ended: (name: string): Promise<void> => {
      const execution = executions.get(name) ?? follow(name);
      executions.set(name, execution);
      return execution;
    },
    stop: async (): Promise<void> => {
      controller.abort();
      await Promise.allSettled(executions.values());
    },
  };
};
