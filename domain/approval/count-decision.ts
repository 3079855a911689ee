import type { Metrics } from "#platform/metrics/metrics.ts";
import type { VoteResult } from "./approvals.ts";

/** Counts a decision in the metrics, once: by the vote that made it. */
export const countDecision = (metrics: Pick<Metrics, "count">, result: VoteResult): void => {
  if (result.result !== "decided") return;
  const dimensions = { model: result.approval.model, decision: result.decision.status };
  metrics.count({ name: "Approvals", value: 1, unit: "Count", dimensions });
};
