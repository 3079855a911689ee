import type { Verdict } from "#domain/gates/verdict.ts";
import { createDeliveryMetrics } from "./delivery-metrics.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";

/** Counts a step's verdicts by model; a round of a canary that judged nothing has no checks. Outside the step: a step takes effect once, but may measure several times. */
export const countVerdicts =
  (name: "GateVerdicts" | "CanaryVerdicts", env: GroupVariables<"metrics">) =>
  (
    { verdict, checks }: { readonly verdict: Verdict; readonly checks: readonly unknown[] },
    model: string,
  ): void => {
    if (checks.length === 0) return;
    const { count } = createDeliveryMetrics({ env, clock: Date.now });
    count({ name, value: 1, unit: "Count", dimensions: { model, verdict } });
  };
