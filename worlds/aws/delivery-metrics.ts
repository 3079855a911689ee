import { emitCount } from "#platform/metrics/cloudwatch/emit-count.ts";
import type { Metrics } from "#platform/metrics/metrics.ts";
import { emitMetricLine } from "./emit-metric-line.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";

type Needs = { readonly env: GroupVariables<"metrics">; readonly clock: () => number };

/** What steps count about deliveries, under the environment's namespace; here it is only written. */
export const createDeliveryMetrics = ({ env, clock }: Needs): Pick<Metrics, "count"> => ({
  count: emitCount({ namespace: env.METRICS_NAMESPACE, emit: emitMetricLine, clock }),
});
