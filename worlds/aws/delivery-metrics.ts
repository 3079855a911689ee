import { emitCount } from "#platform/metrics/cloudwatch/emit-count.ts";
import type { Metrics } from "#platform/metrics/metrics.ts";
import { emitMetricLine } from "./emit-metric-line.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";

/** What steps count of deliveries, under the environment's namespace; it is only ever written here. */
export const createDeliveryMetrics = (
  env: GroupVariables<"metrics">,
  clock: () => number,
): Pick<Metrics, "count"> => ({
  count: emitCount({ namespace: env.METRICS_NAMESPACE, emit: emitMetricLine, clock }),
});
