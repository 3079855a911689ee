import { setTimeout as pause } from "node:timers/promises";
import type { Deliveries, ExecutionStatus, StateEvent } from "#platform/deliveries/deliveries.ts";

type Needs = {
  readonly deliveries: Deliveries;
  readonly onEvent: (name: string, event: StateEvent) => void;
  /** Called once, when the execution has ended; what it does is waited for. */
  readonly onEnd: (name: string, status: ExecutionStatus) => Promise<void>;
};

const pollIntervalMs = 200;

/** Polls executions until they end, because moto has no EventBridge events. */
export const watchExecutions = ({ deliveries, onEvent, onEnd }: Needs) => {
  const stopping = new AbortController();
  const followed = new Map<string, Promise<void>>();

  const follow = async (name: string): Promise<void> => {
    for (let reported = 0; !stopping.signal.aborted; ) {
      // Read before its history, to which nothing is added after the end.
      const execution = await deliveries.describe(name);
      const history = await deliveries.history(name);
      for (const event of history.slice(reported)) onEvent(name, event);
      reported = history.length;
      if (execution && execution.status !== "RUNNING") return onEnd(name, execution.status);
      await pause(pollIntervalMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  return {
    /** Resolves when the execution has ended and `onEnd` is done. */
    ended: (name: string): Promise<void> => {
      const following = followed.get(name) ?? follow(name);
      followed.set(name, following);
      return following;
    },
    stop: async (): Promise<void> => {
      stopping.abort();
      await Promise.allSettled(followed.values());
    },
  };
};
