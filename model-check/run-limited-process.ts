import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type * as z from "zod";
import { type FileContent, streamContent } from "#platform/files/file-content.ts";
import { useTemporaryFolder } from "#platform/files/temporary-folder.ts";
import { watchMemory } from "#platform/processes/watch-memory.ts";

/** The process crashed or exceeded its limits. */
export type ProcessFailure = { readonly status: "failed"; readonly message: string };

export type ResourceLimits = {
  /** Counted from the start of the process, or from the last message that set its own deadline. */
  readonly seconds: number;
  readonly residentMb: number;
  /** Bytes of all messages together. */
  readonly outputBytes: number;
};

/** For reading a model's folder and for its first run. Memory includes native memory. */
export const defaultTrialLimits = { seconds: 30, residentMb: 1_024 } as const;

/** Node does not start with less. */
const minHeapMb = 256;
/** Without /proc every check starts a process. */
const watchMs = process.platform === "linux" ? 10 : 250;

/** Calls `onLine` for each line. Ends with `onTooLarge` if the stream has more than `limit` bytes. */
const readLines = async (
  stream: Readable,
  limit: number,
  onLine: (line: string) => void,
  onTooLarge: () => void,
): Promise<void> => {
  let length = 0;
  let parts: Buffer[] = [];
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > limit) return onTooLarge();
    let rest = Buffer.from(chunk);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      onLine(Buffer.concat([...parts, rest.subarray(0, end)]).toString("utf8"));
      parts = [];
      rest = rest.subarray(end + 1);
    }
    parts.push(rest);
  }
};

type LimitedProgram<T> = {
  /** A module. Its arguments are the folder and then `args`. */
  readonly program: URL;
  readonly args?: readonly string[];
  readonly limits: ResourceLimits;
  readonly message: z.ZodType<T>;
  /** May return seconds: a new deadline, counted from this message. */
  readonly onMessage: (message: T) => number | undefined;
};

/**
 * The shell's limit on CPU time ends an endless loop even if this process was killed; exec keeps the pid. With Linux's
 * setpriv the kernel kills the program when the thread that started it ends: a thread that is terminated or out of memory
 * cannot clean up.
 */
const startScript = `ulimit -t "$0" && ulimit -c 0 || exit 1
if /usr/bin/setpriv --pdeathsig KILL /bin/true 2>/dev/null; then set -- /usr/bin/setpriv --pdeathsig KILL "$@"; fi
exec "$@"`;

const spawnProcess = async <T>(
  { program, args = [], limits, message, onMessage }: LimitedProgram<T>,
  folder: string,
): Promise<string | undefined> => {
  const heapMb = Math.max(minHeapMb, Math.floor(0.75 * limits.residentMb));
  const node = [process.execPath, `--max-old-space-size=${heapMb}`, fileURLToPath(program), folder, ...args];
  const child = spawn("/bin/sh", ["-c", startScript, String(2 * limits.seconds + 60), ...node], {
    // An empty environment: a hostile model finds no secret in it.
    env: {},
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  let stopReason: string | undefined;
  const stop = (reason: string) => {
    stopReason ??= reason;
    kill();
  };
  const startTimer = (seconds: number) =>
    setTimeout(() => stop(`it ran longer than ${seconds} s`), seconds * 1_000);
  let timer = startTimer(limits.seconds);
  const stopWatching = watchMemory({ pid: child.pid, limitMb: limits.residentMb, everyMs: watchMs }, () =>
    stop(`it used more than ${limits.residentMb} MB of memory`),
  );
  const handleLine = (line: string): void => {
    try {
      const seconds = onMessage(message.parse(JSON.parse(line)));
      if (seconds === undefined) return;
      clearTimeout(timer);
      timer = startTimer(seconds);
    } catch {
      stop("it sent an unknown message");
    }
  };
  try {
    const pipe = child.stdio[3];
    const ended = new Promise<string | undefined>((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("close", (code, signal) => {
        const exit = signal ?? `exit code ${code}`;
        // V8 aborts when its heap is full.
        const cause = signal === "SIGABRT" ? `: it needs more than ${heapMb} MB, or crashed` : "";
        resolve(code === 0 ? undefined : `it ended with ${exit}${cause}`);
      });
    });
    const reading =
      pipe && "read" in pipe
        ? readLines(pipe, limits.outputBytes, handleLine, () =>
            stop(`it sent more than ${limits.outputBytes} bytes`),
          ).catch(() => {})
        : undefined;
    const crash = await ended;
    await reading;
    return stopReason ?? crash;
  } finally {
    stopWatching();
    clearTimeout(timer);
    process.off("exit", kill);
  }
};

/**
 * Runs a program on a folder of files in a separate process. The process is killed (SIGKILL) if it exceeds its time,
 * memory or output: a hostile graph can allocate a terabyte or never end, and so can reading a hostile file. The program
 * gets the folder as its argument and an empty environment. It writes messages, one JSON line each, to file descriptor 3.
 * This process watches the memory, native memory included, every 10 ms through /proc. A limit on the address space
 * (ulimit -v) does not help, because Node reserves far more than it uses. Without /proc (macOS) it runs `ps` four times a
 * second, so a process may exceed its limit for a moment; V8's own heap is limited to three quarters of it everywhere.
 * Returns why the process was stopped or crashed; undefined if it succeeded.
 */
export const runLimitedProcess = async <T>({
  files,
  ...program
}: LimitedProgram<T> & { readonly files: ReadonlyMap<string, FileContent> }): Promise<string | undefined> =>
  useTemporaryFolder("slipway-trial-", async (folder) => {
    for (const [name, content] of files) await writeFile(join(folder, name), streamContent(content));
    return spawnProcess(program, folder);
  });
