import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type * as z from "zod";
import { watchMemory } from "#platform/processes/watch-memory.ts";

/** A trial that gave no answer: it broke, or went beyond its limits. */
export type ProcessFailure = { readonly status: "failed"; readonly message: string };

export type ResourceLimits = {
  /** From the start of the process, or from the last message that names seconds of its own. */
  readonly seconds: number;
  readonly residentMb: number;
  /** Bytes that it may write as its messages. */
  readonly outputBytes: number;
};

/** With less, Node does not start. */
const minHeapMb = 256;
/** Where there is no /proc a process is started for each look. */
const watchMs = process.platform === "linux" ? 10 : 250;

/** Calls `take` for each line; `tooLarge` once, where the stream gives more bytes than it may. */
const readLines = async (
  stream: Readable,
  limit: number,
  take: (line: string) => void,
  tooLarge: () => void,
): Promise<void> => {
  let length = 0;
  let parts: Buffer[] = [];
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > limit) return tooLarge();
    let rest = Buffer.from(chunk);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      take(Buffer.concat([...parts, rest.subarray(0, end)]).toString("utf8"));
      parts = [];
      rest = rest.subarray(end + 1);
    }
    parts.push(rest);
  }
};

type LimitedProgram<T> = {
  /** A module that gets the folder, and then `args`, as its arguments. */
  readonly program: URL;
  readonly args?: readonly string[];
  readonly limits: ResourceLimits;
  readonly message: z.ZodType<T>;
  /** Told of each message; seconds, if given, are the deadline from this message on. */
  readonly onMessage: (message: T) => number | undefined;
};

/**
 * The shell's limit on processor time ends a loop even when this process was killed meanwhile; exec keeps the pid. Where
 * Linux's setpriv is there, the kernel ends the program with the thread that started it: a thread that is terminated, or
 * has no memory left, hears of nothing and takes no watch along.
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
    // No environment: a hostile model finds no secret in it.
    env: {},
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const leave = () => child.kill("SIGKILL");
  process.once("exit", leave);
  let stopped: string | undefined;
  const stop = (why: string) => {
    stopped ??= why;
    child.kill("SIGKILL");
  };
  const deadline = (seconds: number) =>
    setTimeout(() => stop(`it ran longer than ${seconds} s`), seconds * 1_000);
  let clock = deadline(limits.seconds);
  const stopWatching = watchMemory({ pid: child.pid, limitMb: limits.residentMb, everyMs: watchMs }, () =>
    stop(`it took more than ${limits.residentMb} MB of memory`),
  );
  const take = (line: string): void => {
    try {
      const seconds = onMessage(message.parse(JSON.parse(line)));
      if (seconds === undefined) return;
      clearTimeout(clock);
      clock = deadline(seconds);
    } catch {
      stop("it answered in no form that is known");
    }
  };
  try {
    const pipe = child.stdio[3];
    const ended = new Promise<string | undefined>((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("close", (code, signal) => {
        const how = signal ?? `exit code ${code}`;
        // V8 aborts where its heap is full.
        const why = signal === "SIGABRT" ? `: it needs more than ${heapMb} MB, or broke` : "";
        resolve(code === 0 ? undefined : `it ended with ${how}${why}`);
      });
    });
    const reading =
      pipe && "read" in pipe
        ? readLines(pipe, limits.outputBytes, take, () =>
            stop(`it answered with more than ${limits.outputBytes} bytes`),
          ).catch(() => {})
        : undefined;
    const crash = await ended;
    await reading;
    return stopped ?? crash;
  } finally {
    stopWatching();
    clearTimeout(clock);
    process.off("exit", leave);
  }
};

/**
 * Runs a program on a folder of files in a process of its own, which is killed (SIGKILL) beyond its time, memory or
 * output: a hostile graph can ask for a terabyte or loop for ever, a hostile file can take as long to read. The program
 * gets the folder as its argument, no environment, and writes messages, one JSON line each, to its third file
 * descriptor. Memory is watched from outside, native memory with it, every 10 ms through /proc; a limit on the address
 * space (ulimit -v) is of no use, since Node reserves far more of it than it ever touches. Where there is no /proc
 * (macOS) `ps` is asked four times a second, so that a process may for a moment take more than its limit; V8's own heap
 * is limited to three quarters of it everywhere. Gives why the process was stopped or broke, undefined where it ended well.
 */
export const runLimitedProcess = async <T>({
  files,
  ...program
}: LimitedProgram<T> & { readonly files: ReadonlyMap<string, Uint8Array> }): Promise<string | undefined> => {
  const folder = await mkdtemp(join(tmpdir(), "slipway-trial-"));
  try {
    for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
    return await spawnProcess(program, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
