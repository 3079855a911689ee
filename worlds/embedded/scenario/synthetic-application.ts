import type { Row } from "#model-folder/manifest/manifest.ts";

type CallCounts = { readonly answered: number; readonly failed: number };

export type SyntheticApplication = {
  /** Makes the application call a model's endpoint with these rows. */
  follow(model: string, url: string, rows: readonly Row[]): void;
  calls(): CallCounts;
  /** Registry versions that have served a request. */
  versions(): ReadonlySet<string>;
  /** Resolves when this registry version serves a request. */
  answeredBy(version: string): Promise<void>;
  stop(): Promise<void>;
};

/** Time limit of a request. */
const requestTimeoutMs = 10_000;
/**
 * The most requests at once, as in a client's connection pool. Without it, a machine that is busy for a moment never
 * recovers: requests queue up and time out, but the server still works on each. A slow model (a text encoder) gets
 * requests only as fast as it serves them.
 */
const maxConcurrentRequests = 8;

/**
 * A synthetic application: calls prod's public endpoint with holdout rows at a steady rate, one row per request, and knows
 * nothing about deliveries.
 * @param requestsPerSecond the rate, as long as prod keeps up with it
 * @param key its API key
 * @param random a number in [0, 1), chooses the rows
 */
export const createSyntheticApplication = ({
  requestsPerSecond,
  key,
  random,
  onFailure,
}: {
  requestsPerSecond: number;
  key: string;
  random: () => number;
  onFailure: (message: string) => void;
}): SyntheticApplication => {
  const targets = new Map<string, { url: string; rows: readonly Row[] }>();
  const versions = new Set<string>();
  const waiting: { version: string; resolve: () => void }[] = [];
  const pending = new Set<Promise<void>>();
  let answered = 0;
  let failed = 0;

  const call = async ({ url, rows }: { url: string; rows: readonly Row[] }): Promise<void> => {
    const row = rows[Math.floor(random() * rows.length)];
    try {
      const response = await fetch(`${url}/v1/predict`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-api-key": key },
        body: JSON.stringify({ rows: [row] }),
        signal: AbortSignal.timeout(requestTimeoutMs),
      });
      const body = (await response.json()) as { version?: unknown };
      if (!response.ok) throw new Error(`prod returned status ${response.status}: ${JSON.stringify(body)}`);
      answered++;
      const version = String(body.version);
      versions.add(version);
      for (const waiter of waiting.filter((waiter) => waiter.version === version)) waiter.resolve();
    } catch (error) {
      failed++;
      onFailure(
        `the synthetic application's request to prod failed: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  };

  // Catches up after a busy moment, which delays requests and does not drop them.
  const everyMs = Math.max(5, 1_000 / requestsPerSecond);
  let due = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    due = Math.min(due + ((now - last) / 1_000) * requestsPerSecond, 50);
    last = now;
    for (; due >= 1 && pending.size < maxConcurrentRequests; due--)
      for (const target of targets.values()) {
        const request = call(target).finally(() => pending.delete(request));
        pending.add(request);
      }
  }, everyMs);

  return {
    follow: (model, url, rows) => targets.set(model, { url, rows }),
    calls: () => ({ answered, failed }),
    versions: () => versions,
    answeredBy: (version) =>
      versions.has(version)
        ? Promise.resolve()
        : new Promise((resolve) => waiting.push({ version, resolve })),
    stop: async () => {
      clearInterval(timer);
      await Promise.all(pending);
    },
  };
};
