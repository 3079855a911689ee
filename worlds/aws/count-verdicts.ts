import type { Verdict } from "#domain/gates/verdict.ts";
import { createDeliveryMetrics } from "./delivery-metrics.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";

/** Counts a step's verdicts by model. Beside the step: its effects are once, these are as often as it measured. */
export const countVerdicts =
  (name: "GateVerdicts" | "CanaryVerdicts", env: GroupVariables<"metrics">) =>
  ({ verdict }: { readonly verdict: Verdict }, model: string): void => {
    const { count } = createDeliveryMetrics({ env, clock: Date.now });
    count({ name, value: 1, unit: "Count", dimensions: { model, verdict } });
  };
