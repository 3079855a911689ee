import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { EmbeddedWorldEvent } from "#worlds/embedded/reporter.ts";

export type RunningRehearsal = {
  readonly pid: number;
  /** Resolves with the first event that fits, also one that has come already; rejects when the process ends before. */
  until<Kind extends EmbeddedWorldEvent["event"]>(
    kind: Kind,
    fits?: (event: Extract<EmbeddedWorldEvent, { event: Kind }>) => boolean,
  ): Promise<Extract<EmbeddedWorldEvent, { event: Kind }>>;
  readonly events: readonly EmbeddedWorldEvent[];
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
  /** Asks the process to end, as Ctrl-C does, and waits until it is gone. */
  stop(): Promise<void>;
};

/** Runs a command that prints a rehearsal's events (`--json`), in a process of its own. */
export const runRehearsal = (
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): RunningRehearsal => {
  const child: ChildProcess = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const events: EmbeddedWorldEvent[] = [];
  const listeners = new Set<() => void>();
  let words = "";
  const over = Promise.withResolvers<number | null>();
  child.stderr?.on("data", (chunk) => {
    words = `${words}${chunk}`.slice(-2_000);
  });
  const lines = createInterface({ input: child.stdout ?? process.stdin });
  lines.on("line", (line) => {
    events.push(JSON.parse(line));
    for (const listener of listeners) listener();
  });
  child.on("error", (fault) => {
    words = fault.message;
    over.resolve(null);
  });
  child.on("close", (code) => over.resolve(code));
  return {
    pid: child.pid ?? 0,
    events,
    ended: over.promise,
    until: async (kind, fits = () => true) => {
      const isIt = (
        event: EmbeddedWorldEvent,
      ): event is Extract<EmbeddedWorldEvent, { event: typeof kind }> =>
        event.event === kind && fits(event as Extract<EmbeddedWorldEvent, { event: typeof kind }>);
      const found = Promise.withResolvers<Extract<EmbeddedWorldEvent, { event: typeof kind }>>();
      const look = () => {
        const event = events.find(isIt);
        if (event) found.resolve(event);
      };
      listeners.add(look);
      look();
      void over.promise.then((code) =>
        found.reject(new Error(`the process ended (${code}) before a ${kind}: ${words.trim()}`)),
      );
      return found.promise.finally(() => listeners.delete(look));
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      const gone = once(child, "close");
      child.kill("SIGTERM");
      await gone;
    },
  };
};
