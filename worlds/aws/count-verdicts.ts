import type { Verdict } from "#domain/gates/verdict.ts";
import { createDeliveryMetrics } from "./delivery-metrics.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";

/** Counts a step's verdicts by model. Outside the step: a step takes effect once, but may measure several times. */
export const countVerdicts =
  (name: "GateVerdicts" | "CanaryVerdicts", env: GroupVariables<"metrics">) =>
  ({ verdict }: { readonly verdict: Verdict }, model: string): void => {
    const { count } = createDeliveryMetrics({ env, clock: Date.now });
    count({ name, value: 1, unit: "Count", dimensions: { model, verdict } });
  };
