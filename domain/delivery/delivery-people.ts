import * as z from "zod";
import type { Store } from "#platform/store/store.ts";

/** Who wants to know how a delivery ends, whatever it ends with. */
const DeliveryPeople = z.object({
  /** By the commit, unverified. Null: the delivery began under a definition that does not pass it on. */
  author: z.string().nullable(),
  /** Of its manifest; null: model.yaml is not there, or nobody can read it. */
  owner: z.string().nullable(),
});
export type DeliveryPeople = z.infer<typeof DeliveryPeople>;

const toPeopleKey = (delivery: string) => ({ partition: "delivery-people", sort: delivery });
const retentionSeconds = 400 * 86_400;

/** A delivery's author and owner, noted before its first check: most failures come before anybody is asked. */
export const createDeliveryPeople = ({
  store,
  clock,
}: {
  readonly store: Store;
  readonly clock: () => number;
}) => ({
  /** Undefined: it began under a release that does not note them, or it was never started. */
  read: async (delivery: string): Promise<DeliveryPeople | undefined> => {
    const item = await store.get(toPeopleKey(delivery));
    return item && DeliveryPeople.parse(item.value);
  },
  note: async (delivery: string, people: DeliveryPeople): Promise<void> => {
    await store.put(toPeopleKey(delivery), people, {
      expiresAt: Math.floor(clock() / 1_000) + retentionSeconds,
    });
  },
});
