import type { Claims } from "#domain/claims/claims.ts";
import type { Outcomes } from "#domain/delivery/outcomes.ts";
import { parseCaughtError } from "#domain/delivery/parse-caught-error.ts";
import type { DeliveryMessages } from "#domain/message/delivery-messages.ts";
import type { Metrics } from "#platform/metrics/metrics.ts";
import type { ReportOutcomeInput, ReportOutcomeOutput } from "#statemachine/contracts.ts";

type ReportOutcomeDependencies = {
  readonly outcomes: Outcomes;
  readonly claims: Claims;
  readonly messages: DeliveryMessages;
  readonly metrics: Pick<Metrics, "count">;
  readonly clock: () => number;
};

/** Ends a delivery in the eyes of people: its outcome is kept, counted and shown; a promoted one gives its claims back. */
export const reportOutcome =
  ({ outcomes, claims, messages, metrics, clock }: ReportOutcomeDependencies) =>
  async ({
    delivery,
    model,
    commit,
    outcome,
    error: told,
  }: ReportOutcomeInput): Promise<ReportOutcomeOutput> => {
    // A rollback that failed brings its cause as the engine had it; people read the sentence in it.
    const error = told && parseCaughtError({ Error: told.name, Cause: told.cause });
    const at = clock();
    // Noted first: whoever dies after the outcome is kept leaves the message to the sweep.
    await messages.expect(delivery);
    const first = await outcomes.keep({ delivery, model, commit, outcome, error, at });
    if (first) metrics.count({ name: "Deliveries", value: 1, unit: "Count", dimensions: { model, outcome } });
    if (first && error)
      metrics.count({
        name: "FailedDeliveries",
        value: 1,
        unit: "Count",
        dimensions: { model, error: error.name },
      });
    await messages.show(delivery);
    if (outcome === "promoted") {
      await claims.release("prod", model, delivery);
      await claims.release("stage", model, delivery);
    }
    const kept = await outcomes.read(delivery);
    return { outcome, reportedAt: new Date(kept?.at ?? at).toISOString() };
  };
