import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const generator = fileURLToPath(new URL("load.mjs", import.meta.url));

export type Load = {
  readonly url: string;
  /** Sent in turn. */
  readonly bodies: readonly string[];
  readonly connections: number;
  readonly warmUpSeconds: number;
} & ({ readonly seconds: number } | { readonly requests: number });

export type Measured = {
  readonly perSecond: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly maxMs: number;
  readonly answered: number;
  readonly failed: number;
};

/** Puts load on a server from a process of its own; `wrap` is a command in front of it. */
export const runLoad = async (load: Load, wrap: readonly string[]): Promise<Measured> => {
  const [command = process.execPath, ...args] = [...wrap, process.execPath, generator];
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(JSON.stringify(load));
  const [printed, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
  if (code !== 0) throw new Error(`the load generator ended with ${code}`);
  const measured: Measured = JSON.parse(printed);
  if (measured.failed > 0 || measured.answered === 0)
    throw new Error(`${measured.failed} requests failed, ${measured.answered} were answered`);
  return measured;
};
