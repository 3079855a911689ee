import type { Verdict } from "#domain/gates/verdict.ts";
import { deliveryMetrics } from "./delivery-metrics.ts";
import type { Variables } from "./environment/environment-parts.ts";

/** Counts a step's verdicts by model. Beside the step: its effects are once, these are as often as it measured. */
export const countVerdicts =
  (name: "GateVerdicts" | "CanaryVerdicts", env: Variables<"metrics">) =>
  ({ verdict }: { readonly verdict: Verdict }, model: string): void => {
    const { count } = deliveryMetrics(env, Date.now);
    count({ name, value: 1, unit: "Count", dimensions: { model, verdict } });
  };
