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

/** Ends a delivery for people: stores, counts and shows its outcome. A promoted delivery also releases its claims. */
export const reportOutcome =
  ({ outcomes, claims, messages, metrics, clock }: ReportOutcomeDependencies) =>
  async ({
    delivery,
    model,
    commit,
    outcome,
    error: caughtError,
  }: ReportOutcomeInput): Promise<ReportOutcomeOutput> => {
    // A failed rollback passes its cause as the engine caught it; people read the message in it.
    const error = caughtError && parseCaughtError({ Error: caughtError.name, Cause: caughtError.cause });
    const at = clock();
    // Before the outcome is stored: after a crash the sweep shows the message.
    await messages.expect(delivery);
    const { interrupted = [] } = (await claims.read("prod", model)) ?? {};
    const rolledBackBy = interrupted.findLast((entry) => entry.delivery === delivery)?.by;
    const first = await outcomes.keep({
      ...{ delivery, model, commit, outcome, error, at },
      ...(outcome === "superseded" && rolledBackBy !== undefined && { rolledBackBy }),
    });
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
