import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { repositoryRoot } from "./fixture.ts";

const Golden = z.object({ rows: z.array(z.record(z.string(), z.unknown())).min(1) });
const PredictResponse = z.object({
  model: z.string(),
  version: z.coerce.number(),
  predictions: z.array(z.object({ label: z.string() })).length(1),
});

/** A row that every version of churn accepts. */
const exampleRow = Golden.parse(
  JSON.parse(readFileSync(join(repositoryRoot, "models", "churn", "golden.json"), "utf8")),
).rows[0];

/** Sends one row to `<url>/v1/predict` and returns the version that responded. Throws on any status except 200. */
export const fetchServingVersion = async (url: string): Promise<number> => {
  const response = await fetch(`${url}/v1/predict`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ rows: [exampleRow] }),
    signal: AbortSignal.timeout(120_000),
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status}: ${text.slice(0, 300)}`);
  return PredictResponse.parse(JSON.parse(text)).version;
};

export type CallSummary = {
  readonly answered: number;
  readonly failures: readonly string[];
  readonly versions: readonly number[];
};

/** An application outside Slipway that calls prod about 50 times a second until it is stopped. */
export const startProdCaller = (url: string, everyMs = 20) => {
  let current = { answered: 0, failures: [] as string[], versions: new Set<number>() };
  const underway = new Set<Promise<void>>();
  const call = async () => {
    // Counted by the time of the request: a response after `take` belongs to the window before it.
    const window = current;
    try {
      window.versions.add(await fetchServingVersion(url));
      window.answered++;
    } catch (error) {
      window.failures.push(error instanceof Error ? error.message : String(error));
    }
  };
  const timer = setInterval(() => {
    // A busy machine gets fewer requests, not a queue of them.
    if (underway.size >= 16) return;
    const request = call().finally(() => underway.delete(request));
    underway.add(request);
  }, everyMs);
  return {
    /** The responses since the last call, including those to all requests until now. */
    take: async (): Promise<CallSummary> => {
      const { answered: _, ...rest } = current;
      const finished = current;
      current = { answered: 0, failures: [], versions: new Set() };
      await Promise.all(underway);
      return {
        answered: finished.answered,
        failures: rest.failures,
        versions: [...rest.versions].sort((a, b) => a - b),
      };
    },
    /** Sends no further request; resolves after the last response. */
    stop: async (): Promise<void> => {
      clearInterval(timer);
      await Promise.all(underway);
    },
  };
};
export type ProdCaller = ReturnType<typeof startProdCaller>;
