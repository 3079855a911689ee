import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { listGroupProcesses, waitForGroupExit } from "#test/support/process-tree.ts";
import { EventLine, type EventLineOfKind } from "./event-line.ts";
import { type Fixture, repositoryRoot, slipwayPath } from "./fixture.ts";

export type ProcessExit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** Far beyond what anything takes on a quiet machine: a test waits for events, and a busy machine is no fault. */
const defaultTimeoutMs = 600_000;

/**
 * `slipway rehearse --json` (or `npm start`) as a process of its own, watched through its stdout and stderr alone. It
 * leads a process group, so that Ctrl-C reaches all of it as from a terminal, and so that nothing of it is left behind.
 */
export const startRehearsalProcess = (
  set: Fixture,
  {
    args = [],
    through = "slipway",
  }: { readonly args?: readonly string[]; readonly through?: "slipway" | "npm start" } = {},
) => {
  const all = ["--json", "--data", set.data, ...args];
  const [command, argv] =
    through === "npm start"
      ? (["npm", ["start", "--silent", "--", ...all]] as const)
      : ([process.execPath, [slipwayPath, "rehearse", ...all]] as const);
  const child = spawn(command, [...argv], {
    cwd: repositoryRoot,
    env: set.env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const group = child.pid ?? 0;

  const lines: string[] = [];
  const events: EventLine[] = [];
  const strays: string[] = [];
  let stderr = "";
  const listeners = new Set<() => void>();
  const tell = () => {
    for (const listener of [...listeners]) listener();
  };
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    try {
      events.push(EventLine.parse(JSON.parse(line)));
    } catch {
      strays.push(line);
    }
    tell();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    tell();
  });
  let ended: ProcessExit | undefined;
  const closed = new Promise<ProcessExit>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      ended = { code, signal };
      resolve(ended);
      tell();
    });
  });
  closed.catch(() => undefined);

  const picture = () =>
    [
      `— the last events of ${command} ${argv.join(" ")}${ended ? `, which ended with ${ended.code ?? ended.signal}` : ""}`,
      ...lines.slice(-40),
      "— its stderr",
      stderr.slice(-4_000),
    ].join("\n");

  /** Waits until `look` finds something; rejects with the picture of the process when it ends or takes too long. */
  const until = <Found>(
    what: string,
    look: () => Found | undefined,
    timeoutMs = defaultTimeoutMs,
  ): Promise<Found> =>
    new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        listeners.delete(check);
        clearTimeout(timer);
        settle();
      };
      const check = () => {
        const found = look();
        if (found !== undefined) finish(() => resolve(found));
        else if (ended) finish(() => reject(new Error(`it ended before ${what}\n${picture()}`)));
      };
      const timer = setTimeout(
        () => finish(() => reject(new Error(`waited ${timeoutMs} ms for ${what}\n${picture()}`))),
        timeoutMs,
      );
      listeners.add(check);
      check();
    });

  return {
    /** Every line of stdout that is none of the four forms. */
    strays,
    events,
    stderr: () => stderr,
    /** How many events there were; a later wait can begin from here. */
    mark: () => events.length,
    /** The first event of a kind, at or after `from`, that fits. */
    waitFor: <Name extends EventLine["event"]>(
      name: Name,
      fits: (event: EventLineOfKind<Name>) => boolean = () => true,
      { from = 0, timeoutMs = defaultTimeoutMs }: { from?: number; timeoutMs?: number } = {},
    ): Promise<EventLineOfKind<Name>> =>
      until(
        `an event "${name}" with ${fits}`,
        () =>
          events.slice(from).find((event): event is EventLineOfKind<Name> => {
            return event.event === name && fits(event as EventLineOfKind<Name>);
          }),
        timeoutMs,
      ),
    saysOnStderr: (pattern: RegExp, timeoutMs = defaultTimeoutMs): Promise<string> =>
      until(`${pattern} on stderr`, () => pattern.exec(stderr)?.[0], timeoutMs),
    /** Ctrl-C in its terminal: every process of the group is told. */
    interrupt: () => process.kill(-group, "SIGINT"),
    /** The one process that runs the rehearsal is gone at once; the others have to notice. */
    kill: () => child.kill("SIGKILL"),
    ended: () => closed,
    groupEnded: () => waitForGroupExit(group),
    group: () => listGroupProcesses(group),
    picture,
    /** Ends what is left, and keeps what was said for the search after secrets. */
    [Symbol.asyncDispose]: async () => {
      if (listGroupProcesses(group).length > 0) {
        try {
          process.kill(-group, "SIGKILL");
        } catch {
          // It ended in between.
        }
      }
      await closed.catch(() => undefined);
      set.said.push(
        { where: `stdout of ${through}`, text: lines.join("\n") },
        { where: `stderr of ${through}`, text: stderr },
      );
    },
  };
};
export type RehearsalProcess = ReturnType<typeof startRehearsalProcess>;
