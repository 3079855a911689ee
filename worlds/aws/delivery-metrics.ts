import { countLines } from "#platform/metrics/cloudwatch/count-lines.ts";
import type { Metrics } from "#platform/metrics/metrics.ts";
import { emitLine } from "./emit-line.ts";
import type { Variables } from "./environment/environment-parts.ts";

/** What steps count of deliveries, under the environment's namespace; it is only ever written here. */
export const deliveryMetrics = (env: Variables<"metrics">, clock: () => number): Pick<Metrics, "count"> => ({
  count: countLines({ namespace: env.METRICS_NAMESPACE, emit: emitLine, clock }),
});
