import type { DeliverySummary } from "#domain/overview/delivery-summary.ts";
import type { Tone } from "./render-pill.ts";

/** How a list shows where a delivery is. */
export const describeStatus = (outcome: DeliverySummary["outcome"]): { tone: Tone; text: string } => {
  switch (outcome) {
    case null:
      return { tone: "running", text: "under way" };
    case "promoted":
      return { tone: "good", text: "promoted" };
    case "failed":
      return { tone: "bad", text: "failed" };
    case "rejected":
    case "expired":
      return { tone: "warn", text: outcome };
    case "superseded":
    case "unchanged":
      return { tone: "neutral", text: outcome };
    default:
      return outcome satisfies never;
  }
};
