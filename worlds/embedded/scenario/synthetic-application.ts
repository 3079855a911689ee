import type { Row } from "#model-folder/manifest/manifest.ts";

type CallCounts = { readonly answered: number; readonly failed: number };

export type SyntheticApplication = {
  /** Points the application at prod's endpoint of a model, with rows to ask. */
  follow(model: string, url: string, rows: readonly Row[]): void;
  calls(): CallCounts;
  /** Registry versions that have answered it. */
  versions(): ReadonlySet<string>;
  /** Resolves when a given registry version answers. */
  answeredBy(version: string): Promise<void>;
  stop(): Promise<void>;
};

/** How long one request may take before the application gives it up. */
const requestTimeoutMs = 10_000;
/**
 * How many requests are under way at once, as a client's connection pool allows. Without a limit a machine that is
 * busy for a moment never comes back: requests pile up, every one times out, and each is worked on all the same. A
 * model that takes milliseconds a row (a text encoder) is so asked as fast as it answers, and not faster.
 */
const maxConcurrentRequests = 8;

/**
 * A synthetic application: it calls prod's public endpoint with holdout rows at a steady rate, one row a request, and
 * knows nothing of deliveries.
 * @param measureThroughput the rate, where prod keeps up with it; at most 8 requests are under way at once
 * @param key what it shows as its API key, where prod asks for one
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
  onFailure: (sentence: string) => void;
}): SyntheticApplication => {
  const targets = new Map<string, { url: string; rows: readonly Row[] }>();
  const versions = new Set<string>();
  const waiting: { version: string; resolve: () => void }[] = [];
  const underway = new Set<Promise<void>>();
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
      if (!response.ok) throw new Error(`prod answered ${response.status}: ${JSON.stringify(body)}`);
      answered++;
      const version = String(body.version);
      versions.add(version);
      for (const waiter of waiting.filter((each) => each.version === version)) waiter.resolve();
    } catch (fault) {
      failed++;
      onFailure(
        `the application's request to prod failed: ${fault instanceof Error ? fault.message : String(fault)}`,
      );
    }
  };

  // A steady clock with catching up: a busy moment delays requests, it does not drop them.
  const everyMs = Math.max(5, 1_000 / requestsPerSecond);
  let due = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    due = Math.min(due + ((now - last) / 1_000) * requestsPerSecond, 50);
    last = now;
    for (; due >= 1 && underway.size < maxConcurrentRequests; due--)
      for (const target of targets.values()) {
        const request = call(target).finally(() => underway.delete(request));
        underway.add(request);
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
      await Promise.all(underway);
    },
  };
};
