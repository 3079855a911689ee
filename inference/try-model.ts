import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { Prediction } from "./manifest.ts";

/** What became of a model's first run. */
export type Trial =
  | { readonly status: "answered"; readonly predictions: readonly Prediction[] }
  | { readonly status: "failed"; readonly message: string };

export type TrialLimits = { readonly seconds: number; readonly residentMb: number };
export const defaultTrialLimits: TrialLimits = { seconds: 30, residentMb: 1_024 };

const Result = z.discriminatedUnion("status", [
  z.object({ status: z.literal("answered"), predictions: z.array(Prediction) }),
  z.object({ status: z.literal("failed"), message: z.string() }),
]);
const program = fileURLToPath(new URL("trial-process.ts", import.meta.url));
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
  return Buffer.concat(chunks).toString("utf8");
};

const runProcess = async (folder: string, limits: TrialLimits): Promise<Trial> => {
  const child = spawn(process.execPath, ["--max-old-space-size=256", program, folder], {
    // No environment: a hostile model finds no secret in it.
    env: {},
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
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
    return Result.parse(JSON.parse(output));
  } finally {
    clearTimeout(clock);
    clearInterval(watch);
  }
};

/**
 * Loads a model and answers its golden rows in a process of its own, which is killed beyond its time or memory: a
 * hostile graph can ask for a terabyte or loop for ever. Memory is watched from outside every 10 ms through /proc;
 * limits on the address space (ulimit -v) are of no use, since Node reserves far more of it than it ever touches.
 * Where there is no /proc only the time is limited.
 */
export const tryModel = async (
  files: ReadonlyMap<string, Uint8Array>,
  limits: TrialLimits = defaultTrialLimits,
): Promise<Trial> => {
  const folder = await mkdtemp(join(tmpdir(), "slipway-trial-"));
  try {
    for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
    return await runProcess(folder, limits);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
