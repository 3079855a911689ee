import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { z } from "zod";
import { PredictResponse } from "#inference/native/predict-response.ts";
import { PredictionPage } from "#inference/records/records.ts";
import { repositoryRoot, slipwayPath } from "#test/end-to-end/fixture.ts";
import { listDescendants } from "./process-tree.ts";

export type Serve = {
  readonly child: ChildProcess;
  readonly url: string;
  /** Process ids of its workers, offload processes left out; empty without /proc. */
  workers(): readonly number[];
  /** Resolves when stderr has a line with this text, also one that was written before. */
  waitForLog(text: string): Promise<string>;
};

/** Starts `slipway serve` on a free port and waits until it listens. */
export const startServe = async (
  folder: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Serve> => {
  const child = spawn(
    process.execPath,
    [slipwayPath, "serve", folder, "--no-trial", "--json", "--port", "0", ...args],
    { cwd: repositoryRoot, stdio: ["ignore", "pipe", "pipe"], env },
  );
  const lines: string[] = [];
  const waiting = new Set<(line: string) => void>();
  const errors = createInterface({ input: child.stderr }).on("line", (line) => {
    lines.push(line);
    for (const notify of waiting) notify(line);
  });
  const line = await Promise.race([
    once(createInterface({ input: child.stdout }), "line").then(([first]) => String(first)),
    once(errors, "close").then(() => undefined),
  ]);
  if (line === undefined || line.includes('"error"'))
    throw new Error(`slipway serve did not start: ${line} ${lines.join("\n")}`);
  return {
    child,
    url: z.object({ url: z.string() }).parse(JSON.parse(line)).url,
    workers: () => listDescendants(child.pid ?? 0, "serve-worker-process"),
    waitForLog: async (text) => {
      const found = lines.find((logged) => logged.includes(text));
      if (found !== undefined) return found;
      return new Promise((resolve) => {
        const notify = (logged: string) => {
          if (!logged.includes(text)) return;
          waiting.delete(notify);
          resolve(logged);
        };
        waiting.add(notify);
      });
    },
  };
};

/** Sends rows to /v1/predict; undefined if the connection was cut. */
export const predict = async (url: string, rows: readonly unknown[]) => {
  let response: Response;
  let content: unknown;
  try {
    response = await fetch(`${url}/v1/predict`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ rows }),
    });
    content = await response.json();
  } catch {
    return undefined;
  }
  if (response.status !== 200) return { status: response.status, headers: response.headers };
  const { id } = PredictResponse.parse(content);
  return { status: response.status, headers: response.headers, id };
};

/** All records of a service, and the total that it counts. */
export const listAllRecords = async (url: string) => {
  const items = [];
  for (let cursor = ""; ; ) {
    const response = await fetch(`${url}/v1/predictions?limit=100${cursor}`);
    const page = PredictionPage.parse(await response.json());
    items.push(...page.items);
    if (page.cursor === undefined) return { items, total: page.total };
    cursor = `&cursor=${encodeURIComponent(page.cursor)}`;
  }
};
