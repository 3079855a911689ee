import type { SlipwayEvent } from "#platform/events/events.ts";
import { type PutOptions, outboxPartition as partition } from "#platform/store/store.ts";

/**
 * The items to write in the same transaction as the fact (`also` of the store's put): either both are stored or none is.
 * A fact without events needs no transaction.
 */
export const toOutboxItems = (...events: readonly SlipwayEvent[]): Pick<PutOptions, "also"> =>
  events.length === 0
    ? {}
    : {
        also: events.map((event) => ({ key: { partition, sort: `${event.at}~${event.id}` }, value: event })),
      };
