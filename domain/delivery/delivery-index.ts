import * as z from "zod";
import { type PutOptions, readPages, type Store } from "#platform/store/store.ts";

/** A delivery in the lists that people read. Times are epoch milliseconds. */
export const IndexedDelivery = z.object({
  delivery: z.string(),
  model: z.string(),
  commit: z.string(),
  /** When it claimed stage; of one that was refused before, when it ended. */
  startedAt: z.int(),
  endedAt: z.int().nullable(),
  /** Null: it is under way. */
  outcome: z.string().nullable(),
  error: z.object({ name: z.string(), cause: z.string() }).nullable(),
  /** The person's rollback that ended it: who and why. */
  rolledBackBy: z.string().optional(),
});
export type IndexedDelivery = z.infer<typeof IndexedDelivery>;

const DeliveryStart = z.object({ model: z.string(), startedAt: z.int() });
const toStartKey = (delivery: string) => ({ partition: "delivery-starts", sort: delivery });

/** `model` undefined: the list of every model's deliveries. */
const toListPartition = (model: string | undefined) =>
  model === undefined ? "deliveries" : `deliveries#${model}`;

/** The store's error causes can be long; the delivery's own record has all of it. */
const maxCause = 300;

/**
 * The items that list a delivery, to be written in the same transaction as the fact that they repeat (`also` of the store's
 * put). A later state of the delivery replaces them.
 */
export const toIndexItems = (entry: IndexedDelivery): NonNullable<PutOptions["also"]> => {
  const { delivery, model, commit, startedAt, endedAt, outcome, error, rolledBackBy } = entry;
  const sort = `${String(startedAt).padStart(15, "0")}#${delivery}`;
  const shortError = error && { ...error, cause: error.cause.slice(0, maxCause).toWellFormed() };
  const value = {
    ...{ delivery, model, commit, startedAt, endedAt, outcome, error: shortError },
    ...(rolledBackBy !== undefined && { rolledBackBy: rolledBackBy.slice(0, maxCause).toWellFormed() }),
  };
  return [
    { key: toStartKey(delivery), value: { model, startedAt } },
    { key: { partition: toListPartition(undefined), sort }, value },
    { key: { partition: toListPartition(model), sort }, value },
  ];
};

/** Reads the lists of deliveries. Deliveries that ended under a release without these lists are in none. */
export const createDeliveryIndex = ({ store }: { readonly store: Pick<Store, "get" | "page"> }) => ({
  /** Undefined: it was never listed. */
  start: async (delivery: string): Promise<z.infer<typeof DeliveryStart> | undefined> => {
    const item = await store.get(toStartKey(delivery));
    return item && DeliveryStart.parse(item.value);
  },
  /** Pages of deliveries, newest first, with where each begins. */
  async *newestFirst({
    model,
    limit,
    after,
  }: {
    readonly model?: string | undefined;
    /** Of a page. */
    readonly limit: number;
    readonly after?: string | undefined;
  }): AsyncGenerator<readonly { readonly sort: string; readonly entry: IndexedDelivery }[], void, undefined> {
    const query = { partition: toListPartition(model), order: "descending", limit } as const;
    for await (const items of readPages(store, { ...query, ...(after === undefined ? {} : { after }) }))
      yield items.map(({ key, value }) => ({ sort: key.sort, entry: IndexedDelivery.parse(value) }));
  },
});
