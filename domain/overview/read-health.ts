import type { Metrics } from "#platform/metrics/metrics.ts";
import type { Health } from "./model-summary.ts";

const windowMinutes = 60;

/**
 * What prod's version measured in the last hour. Pages ask often and CloudWatch costs by the question, so an answer is kept
 * for a while.
 * @param metrics undefined: this world has none
 * @param keepMs how long an answer is kept, in milliseconds
 */
export const createHealthReader = ({
  metrics,
  clock,
  keepMs,
}: {
  readonly metrics: Pick<Metrics, "statistics"> | undefined;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly keepMs: number;
}) => {
  const kept = new Map<string, { readonly at: number; readonly health: Promise<Health> }>();

  const measure = async (model: string, version: string, now: number): Promise<Health> => {
    if (!metrics) return { status: "unknown", why: "no metrics here" };
    try {
      const { requests, failures, unreported, latencyMs } = await metrics.statistics(
        { environment: "prod", model, version, from: now - windowMinutes * 60_000, to: now + 1 },
        { percentiles: [95] },
      );
      return {
        status: "known",
        minutes: windowMinutes,
        requests: requests + unreported,
        failed: failures + unreported,
        p95Ms: latencyMs[0] ?? null,
      };
    } catch {
      // A page without this line is better than no page; the service's own alarm says that its metrics are away.
      return { status: "unknown", why: "the metrics could not be read" };
    }
  };

  /** @param version the function version that serves prod; undefined: none */
  return async (model: string, version: string | undefined): Promise<Health> => {
    if (version === undefined) return { status: "unknown", why: "prod serves no version" };
    const now = clock();
    const key = `${model}\n${version}`;
    const known = kept.get(key);
    if (known && now >= known.at && now - known.at < keepMs) return known.health;
    const health = measure(model, version, now);
    kept.set(key, { at: now, health });
    return health;
  };
};
export type ReadHealth = ReturnType<typeof createHealthReader>;
