import { Agent, request } from "node:http";

type Throughput = {
  readonly perSecond: number;
  readonly failed: number;
  readonly medianMs: number;
  readonly p95Ms: number;
};

const post = (agent: Agent, url: string, body: string): Promise<boolean> =>
  new Promise((resolve) => {
    const sent = request(
      url,
      { method: "POST", agent, headers: { "content-type": "application/json" } },
      (response) => response.resume().on("end", () => resolve(response.statusCode === 200)),
    );
    sent.on("error", () => resolve(false));
    sent.end(body);
  });

/** The throughput of an endpoint: each connection sends its next request after the response. */
export const measureThroughput = async (
  url: string,
  body: string,
  { connections, forMs }: { connections: number; forMs: number },
): Promise<Throughput> => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const times: number[] = [];
  let failed = 0;
  const work = async (until: number) => {
    while (performance.now() < until) {
      const began = performance.now();
      const ok = await post(agent, url, body);
      times.push(performance.now() - began);
      if (!ok) failed++;
    }
  };
  const all = (ms: number) => {
    const until = performance.now() + ms;
    return Promise.all(Array.from({ length: connections }, () => work(until)));
  };
  // Warm up, because prod has usually served requests before.
  await all(1_000);
  times.length = 0;
  failed = 0;
  const began = performance.now();
  await all(forMs);
  const tookMs = performance.now() - began;
  agent.destroy();
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    perSecond: ((times.length - failed) / tookMs) * 1_000,
    failed,
    medianMs: at(0.5),
    p95Ms: at(0.95),
  };
};
