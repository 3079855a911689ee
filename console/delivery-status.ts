import { nameRollbackPerson } from "#domain/message/name-rollback-person.ts";
import type { DeliverySummary } from "#domain/overview/delivery-summary.ts";
import type { Tone } from "./render-pill.ts";

/** How a list shows where a delivery is. */
export const describeStatus = ({
  outcome,
  rolledBackBy,
  closed,
}: Pick<DeliverySummary, "outcome" | "rolledBackBy" | "closed">): { tone: Tone; text: string } => {
  if (outcome === "superseded" && rolledBackBy !== undefined)
    return { tone: "warn", text: `rolled back by ${nameRollbackPerson(rolledBackBy)}` };
  switch (outcome) {
    case null:
      return closed
        ? { tone: "warn", text: "under way, prod is closed" }
        : { tone: "running", text: "under way" };
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
