import { spawn } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Command, PeerMessage } from "./peer-protocol.ts";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

export type Peer = {
  readonly engine: string;
  readonly version: string;
  /** Probabilities of the first `rows` rows, row-major; of two classes only the second. */
  predict(rows: number): Promise<Float64Array>;
  /** Processor time of `calls` calls with `rows` rows each, milliseconds. */
  time(rows: number, calls: number): Promise<number>;
  stop(): void;
};

type Options = {
  /** A trained shape. */
  readonly folder: string;
  /** Where answers are written. */
  readonly temporary: string;
  readonly python: string;
  /** Command prefix that keeps all engines on one processor. */
  readonly wrap: readonly string[];
  /** For a compiler of trees; a slower one is left out. */
  readonly preparationLimitMs: number;
};

const nodeEngines = ["Slipway", "onnxruntime-node"];
/** Each of them is read by some library in one of the processes. */
const oneThread = Object.fromEntries(
  ["OMP", "OPENBLAS", "MKL", "NUMEXPR", "TBB"].map((library) => [`${library}_NUM_THREADS`, "1"]),
);

/** They end with this process, however it ends. */
const stopAtExit = new Set<() => void>();
process.on("exit", () => {
  for (const stop of stopAtExit) stop();
});

/** Starts an engine with a shape's model, or says why it is left out. It ends with this process. */
export const startPeer = async (
  engine: string,
  { folder, temporary, python, wrap, preparationLimitMs }: Options,
): Promise<Peer | { readonly why: string }> => {
  const program = nodeEngines.includes(engine)
    ? [process.execPath, here("node-process.ts")]
    : [python, here("python/peer.py")];
  const [command = "", ...args] = [...wrap, ...program, engine, folder];
  // A process group: a compiler's processes have to end with it.
  const child = spawn(command, args, { detached: true, env: { ...process.env, ...oneThread } });
  const stop = () => {
    stopAtExit.delete(stop);
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // The group has ended already.
    }
  };
  stopAtExit.add(stop);
  // A process that ended takes no more commands; its missing answer is the error.
  child.stdin.on("error", () => undefined);
  let errorOutput = "";
  child.stderr.on("data", (chunk) => {
    errorOutput = `${errorOutput}${chunk}`.slice(-500);
  });
  child.on("error", ({ message }) => {
    errorOutput = message;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async (): Promise<PeerMessage> => {
    const { done, value } = await lines.next();
    if (done) throw new Error(`its process ended: ${errorOutput.trim().split("\n").at(-1) ?? ""}`);
    return PeerMessage.parse(JSON.parse(value));
  };
  const ask = (message: Command): Promise<PeerMessage> => {
    child.stdin.write(`${JSON.stringify(message)}\n`);
    return read();
  };
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    stop();
  }, preparationLimitMs);
  const first = await read()
    .catch((error: unknown) => ({
      status: "left-out" as const,
      why: isLate
        ? `preparing the model took longer than ${preparationLimitMs / 1_000} s`
        : error instanceof Error
          ? error.message
          : String(error),
    }))
    .finally(() => clearTimeout(limit));
  if (first.status !== "ready") {
    stop();
    return { why: first.status === "left-out" ? first.why : `it answered ${first.status}` };
  }
  return {
    engine,
    version: first.version,
    async predict(rows) {
      const file = join(temporary, `${engine.replaceAll(/\W/g, "-")}.f64`);
      const { status } = await ask({ do: "predict", rows, file });
      if (status !== "predicted") throw new Error(`${engine} answered ${status}`);
      const bytes = await readFile(file);
      await rm(file);
      return new Float64Array(Uint8Array.from(bytes).buffer);
    },
    async time(rows, calls) {
      const message = await ask({ do: "time", rows, calls });
      if (message.status !== "timed") throw new Error(`${engine} answered ${message.status}`);
      return message.cpuMs;
    },
    stop,
  };
};
