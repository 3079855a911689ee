import pMap from "p-map";
import type { Closure } from "#domain/changes/find-closure.ts";
import { createFreezes } from "#domain/changes/freezes.ts";
import { readPresentClosure } from "#domain/changes/read-present-closure.ts";
import { createDeliveryIndex, type IndexedDelivery } from "#domain/delivery/delivery-index.ts";
import { Outcome } from "#domain/delivery/outcomes.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { encodeCursor, type Store } from "#platform/store/store.ts";
import type { DeliveryFilter, DeliveryPage, DeliverySummary } from "./delivery-summary.ts";

/** Entries that one page reads at most while it looks for those of an outcome. */
const maxScanned = 1_000;
/** Entries of a model's ledger of stage in which the version of a delivery is looked up: most have one each. */
const entriesFor = (deliveries: number): number => Math.min(60, 2 * deliveries + 3);

const matches = ({ outcome }: IndexedDelivery, wanted: DeliveryFilter["outcome"]): boolean =>
  wanted === undefined || (wanted === "running" ? outcome === null : outcome === wanted);

/**
 * Deliveries newest first, by keyset: a page begins where the one before ended, however many came in between.
 * @param limit of a page
 */
export const listDeliveries = ({
  store,
  clock,
}: {
  readonly store: Store;
  /** Epoch milliseconds. */
  readonly clock: () => number;
}) => {
  const index = createDeliveryIndex({ store });
  const ledger = createLedger({ store });
  const freezes = createFreezes({ store, clock });
  const readClosure = readPresentClosure({ store, clock });

  /** Why deliveries that are under way may not change prod now. */
  const readClosures = async (
    entries: readonly IndexedDelivery[],
  ): Promise<ReadonlyMap<string, Closure | undefined>> => {
    const running = entries.filter(({ outcome }) => outcome === null);
    if (running.length === 0) return new Map();
    const inForce = await freezes.list();
    return new Map(
      await pMap(running, async (entry) => [entry.delivery, await readClosure(entry, inForce)] as const, {
        concurrency: 10,
      }),
    );
  };

  const summarize = async (entries: readonly IndexedDelivery[]): Promise<readonly DeliverySummary[]> => {
    const closures = await readClosures(entries);
    const versions = new Map<string, number>();
    const models = new Map<string, number>();
    for (const { model } of entries) models.set(model, (models.get(model) ?? 0) + 1);
    await pMap(
      models,
      async ([model, deliveries]) => {
        for (const { delivery, version } of await ledger.entries("stage", model, entriesFor(deliveries)))
          versions.set(delivery, version);
      },
      { concurrency: 10 },
    );
    return entries.map((entry) => ({
      ...entry,
      outcome: Outcome.nullable().catch("failed").parse(entry.outcome),
      version: versions.get(entry.delivery) ?? null,
      closed: closures.get(entry.delivery) ?? null,
    }));
  };

  return async ({ model, outcome, after }: DeliveryFilter, limit: number): Promise<DeliveryPage> => {
    const found: IndexedDelivery[] = [];
    let scanned = 0;
    let last: string | undefined;
    const pages = index.newestFirst({ model, after, limit: outcome === undefined ? limit + 1 : 250 });
    for await (const page of pages)
      for (const { sort, entry } of page) {
        // One more exists, so there is a next page.
        if (found.length >= limit || scanned >= maxScanned)
          return {
            deliveries: await summarize(found),
            next: last === undefined ? null : encodeCursor(last),
          };
        scanned++;
        last = sort;
        if (matches(entry, outcome)) found.push(entry);
      }
    return { deliveries: await summarize(found), next: null };
  };
};
export type ListDeliveries = ReturnType<typeof listDeliveries>;
