import type { LogWarning } from "#domain/delivery/log-warning.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { type Events, SlipwayEvent } from "#platform/events/events.ts";
import {
  outboxPartition as partition,
  readPages,
  type Store,
  type StoredItem,
} from "#platform/store/store.ts";

/**
 * Publishes what the outbox holds. An item leaves it only after its event was accepted, so a kill at any line delays an
 * event or repeats it under the same id, and loses none (docs/decisions/37-events-by-an-outbox.md).
 */
export const createOutbox = ({
  store,
  events,
  warn,
}: {
  readonly store: Store;
  readonly events: Events;
  readonly warn: LogWarning;
}) => {
  const publishPage = async (
    items: readonly StoredItem[],
  ): Promise<{ accepted: number; refused: number }> => {
    const readable = items.flatMap((item) => {
      const event = SlipwayEvent.safeParse(item.value);
      // Written by a newer version of the code, which will publish it.
      if (!event.success) warn(`the outbox has an event in another form: ${item.key.sort}`, event.error);
      return event.success ? [{ item, event: event.data }] : [];
    });
    if (readable.length === 0) return { accepted: 0, refused: 0 };
    const refused = await events.publish(readable.map(({ event }) => event));
    const reasons = new Map(refused.map(({ id, why }) => [id, why]));
    for (const { item, event } of readable) {
      const why = reasons.get(event.id);
      if (why !== undefined)
        warn(`the event ${event.id} (${event.type}) was not accepted: ${why}`, new TemporaryFault(why));
      // Only this version of it: one that was written again meanwhile is published again.
      // Another run may remove it at the same moment: whoever finds it again publishes it again under the same id.
      else
        await store.remove(item.key, { expect: item.version }).catch((error: unknown) => {
          if (!(error instanceof TemporaryFault)) throw error;
          warn(`the event ${event.id} stays in the outbox for now`, error);
        });
    }
    return { accepted: readable.length - reasons.size, refused: reasons.size };
  };

  return {
    /** When the oldest unpublished event was stored, epoch milliseconds; undefined: there is none. */
    oldest: async (): Promise<number | undefined> => {
      const { items } = await store.page({ partition, order: "ascending", limit: 1 });
      const [at] = items[0]?.key.sort.split("~") ?? [];
      return at === undefined ? undefined : Date.parse(at);
    },

    /**
     * Publishes all events of the outbox; one that is refused holds up no other. Throws TemporaryFault if any was refused.
     */
    publishPending: async (): Promise<{ readonly published: number }> => {
      let published = 0;
      let failed = 0;
      for await (const items of readPages(store, { partition, order: "ascending", limit: 100 })) {
        const { accepted, refused } = await publishPage(items);
        published += accepted;
        failed += refused;
      }
      if (failed > 0)
        throw new TemporaryFault(
          `${failed} events were not accepted and stay in the outbox for the next try.`,
        );
      return { published };
    },
  };
};
export type Outbox = ReturnType<typeof createOutbox>;
