import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type * as z from "zod";

/** A trial that gave no answer: it broke, or went beyond its limits. */
export type Failed = { readonly status: "failed"; readonly message: string };

export type TrialLimits = { readonly seconds: number; readonly residentMb: number };

const maxAnswerBytes = 64 * 1_024 * 1_024;
const watchMs = 10;

/** Resident megabytes of a process; 0 where the system does not say (elsewhere than on Linux). */
const residentMb = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(status.match(/^VmRSS:\s+(\d+) kB$/m)?.[1] ?? 0) / 1_024;
};

const collect = async (stream: Readable): Promise<string> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length <= maxAnswerBytes) chunks.push(Buffer.from(chunk));
  }
  return length <= maxAnswerBytes ? Buffer.concat(chunks).toString("utf8") : "";
};

const runProcess = async <T>(
  program: URL,
  folder: string,
  limits: TrialLimits,
  result: z.ZodType<T>,
): Promise<T | Failed> => {
  const node = [process.execPath, "--max-old-space-size=256", fileURLToPath(program), folder];
  // The shell's limit on processor time ends a loop even when this process was killed meanwhile; exec keeps the pid.
  const child = spawn(
    "/bin/sh",
    ["-c", 'ulimit -t "$0" && exec "$@"', String(2 * limits.seconds + 10), ...node],
    {
      // No environment: a hostile model finds no secret in it.
      env: {},
      stdio: ["ignore", "ignore", "ignore", "pipe"],
    },
  );
  const leave = () => child.kill("SIGKILL");
  process.once("exit", leave);
  let stopped: string | undefined;
  const stop = (why: string) => {
    stopped ??= why;
    child.kill("SIGKILL");
  };
  const clock = setTimeout(() => stop(`it ran longer than ${limits.seconds} s`), limits.seconds * 1_000);
  const watch = setInterval(async () => {
    if (child.pid !== undefined && (await residentMb(child.pid)) > limits.residentMb)
      stop(`it took more than ${limits.residentMb} MB of memory`);
  }, watchMs);
  try {
    const pipe = child.stdio[3];
    const ended = new Promise<string | undefined>((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("close", (code, signal) =>
        resolve(code === 0 ? undefined : `it ended with ${signal ?? `exit code ${code}`}`),
      );
    });
    const [output, crash] = await Promise.all([pipe && "read" in pipe ? collect(pipe) : "", ended]);
    if (stopped) return { status: "failed", message: stopped };
    if (crash) return { status: "failed", message: crash };
    if (output === "")
      return { status: "failed", message: `it answered with more than ${maxAnswerBytes} bytes` };
    return result.parse(JSON.parse(output));
  } finally {
    clearTimeout(clock);
    clearInterval(watch);
    process.off("exit", leave);
  }
};

/**
 * Runs a program on a folder of files in a process of its own, which is killed beyond its time or memory: a hostile
 * graph can ask for a terabyte or loop for ever. The program gets the folder as its argument and writes one JSON line
 * to its third file descriptor. Memory is watched from outside every 10 ms through /proc; a limit on the address space
 * (ulimit -v) is of no use, since Node reserves far more of it than it ever touches. Where there is no /proc only the
 * time is limited.
 */
export const runTrial = async <T>({
  program,
  files,
  limits,
  result,
}: {
  readonly program: URL;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly limits: TrialLimits;
  readonly result: z.ZodType<T>;
}): Promise<T | Failed> => {
  const folder = await mkdtemp(join(tmpdir(), "slipway-trial-"));
  try {
    for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
    return await runProcess(program, folder, limits, result);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
