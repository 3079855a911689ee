import type { LogWarning } from "#domain/delivery/log-warning.ts";
import type { Outbox } from "#domain/events/outbox.ts";
import { type Metrics, metricNames } from "#platform/metrics/metrics.ts";

type PublishEventsDependencies = {
  readonly outbox: Outbox;
  readonly metrics: Pick<Metrics, "count">;
  readonly warn: LogWarning;
  readonly clock: () => number;
};

export type PublishEventsOutput = { readonly published: number };

/**
 * Publishes what the outbox holds. A write into the outbox starts it, and a schedule: what starts it only says that there
 * may be something to publish, so that a lost, repeated or late start changes nothing. An error is logged and ends nothing:
 * the next start publishes what is left, and an alarm says how long it has waited.
 */
export const publishEvents =
  ({ outbox, metrics, warn, clock }: PublishEventsDependencies) =>
  async (_event: unknown): Promise<PublishEventsOutput> => {
    const { published } = await outbox.publishPending().catch((error: unknown) => {
      warn("not all events could be published; the next run tries again", error);
      return { published: 0 };
    });
    const oldest = await outbox.oldest().catch((error: unknown) => {
      warn("the age of unpublished events is unknown", error);
      return undefined;
    });
    if (oldest !== undefined)
      metrics.count({
        name: metricNames.deliveries.eventWaitingSeconds,
        value: Math.max(0, Math.round((clock() - oldest) / 1_000)),
        unit: "Seconds",
        dimensions: {},
      });
    return { published };
  };
