import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { EmbeddedWorldEvent } from "#worlds/embedded/reporter.ts";

export type ProcessExit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };
type AnyEvent = { readonly event: string };
type EventOfKind<Event extends AnyEvent, Kind extends Event["event"]> = Extract<Event, { event: Kind }>;

/** Far longer than anything takes on a quiet machine: tests wait for events, and a busy machine is not an error. */
const defaultTimeoutMs = 600_000;

/**
 * Starts a command that prints a rehearsal's events (`--json`) in a separate process, and reads only its stdout and
 * stderr. With `detached` it leads a process group.
 * @param parseEvent throws for a value that is not an event
 */
export const watchRehearsal = <Event extends AnyEvent = EmbeddedWorldEvent>(
  command: string,
  args: readonly string[],
  {
    parseEvent = (value) => value as Event,
    ...options
  }: {
    readonly cwd: string;
    readonly env?: NodeJS.ProcessEnv;
    readonly detached?: boolean;
    readonly parseEvent?: (value: unknown) => Event;
  },
) => {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const lines: string[] = [];
  const events: Event[] = [];
  const otherLines: string[] = [];
  let stderr = "";
  let exit: ProcessExit | undefined;
  const ended = Promise.withResolvers<ProcessExit>();
  const listeners = new Set<() => void>();
  const notify = () => {
    for (const listener of [...listeners]) listener();
  };
  const end = (last: ProcessExit) => {
    exit = last;
    ended.resolve(last);
    notify();
  };
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    try {
      events.push(parseEvent(JSON.parse(line)));
    } catch {
      otherLines.push(line);
    }
    notify();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    notify();
  });
  child.once("error", (error) => {
    stderr += error.message;
    end({ code: null, signal: null });
  });
  child.once("close", (code, signal) => end({ code, signal }));

  const describe = () =>
    [
      `— the last events of ${command} ${args.join(" ")}${exit ? `, which ended with ${exit.code ?? exit.signal}` : ""}`,
      ...lines.slice(-40),
      "— its stderr",
      stderr.slice(-4_000),
    ].join("\n");

  /** Waits until `find` returns something; rejects with a description of the process when it ends or takes too long. */
  const waitUntil = <Found>(what: string, find: () => Found | undefined, timeoutMs: number): Promise<Found> =>
    new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        listeners.delete(check);
        clearTimeout(timer);
        settle();
      };
      const check = () => {
        const result = find();
        if (result !== undefined) finish(() => resolve(result));
        else if (exit) finish(() => reject(new Error(`it ended before ${what}\n${describe()}`)));
      };
      const timer = setTimeout(
        () => finish(() => reject(new Error(`waited ${timeoutMs} ms for ${what}\n${describe()}`))),
        timeoutMs,
      );
      listeners.add(check);
      check();
    });

  return {
    pid: child.pid ?? 0,
    lines,
    events,
    /** Every line of stdout that is not an event. */
    otherLines,
    stderr: () => stderr,
    /** How many events there were; a later wait can start from here. */
    mark: () => events.length,
    /** The first event of a kind, at or after `from`, that matches. */
    waitFor: <Kind extends Event["event"]>(
      kind: Kind,
      matches: (event: EventOfKind<Event, Kind>) => boolean = () => true,
      { from = 0, timeoutMs = defaultTimeoutMs }: { from?: number; timeoutMs?: number } = {},
    ): Promise<EventOfKind<Event, Kind>> =>
      waitUntil(
        `an event "${kind}" with ${matches}`,
        () =>
          events
            .slice(from)
            .find(
              (event): event is EventOfKind<Event, Kind> =>
                event.event === kind && matches(event as EventOfKind<Event, Kind>),
            ),
        timeoutMs,
      ),
    waitForStderr: (pattern: RegExp, timeoutMs = defaultTimeoutMs): Promise<string> =>
      waitUntil(`${pattern} on stderr`, () => pattern.exec(stderr)?.[0], timeoutMs),
    ended: () => ended.promise,
    describe,
    kill: () => child.kill("SIGKILL"),
    /** Ends the process in order, and waits for its end. */
    stop: async () => {
      if (!exit) child.kill("SIGTERM");
      await ended.promise;
    },
  };
};
export type WatchedRehearsal = ReturnType<typeof watchRehearsal<EmbeddedWorldEvent>>;
