import * as z from "zod";
import type { Store } from "#platform/store/store.ts";
import type { Closure } from "./find-closure.ts";

/** What a delivery waited for on its way to prod, because prod was closed. */
export const Hold = z.object({
  delivery: z.string(),
  model: z.string(),
  /** The present wait; null: prod is open for this delivery. Epoch milliseconds. */
  current: z.object({ since: z.int(), until: z.int().nullable(), why: z.string() }).nullable(),
  /** Waits that are over, oldest first. */
  earlier: z.array(z.object({ from: z.int(), to: z.int() })),
});
export type Hold = z.infer<typeof Hold>;

const retentionSeconds = 400 * 86_400;
const maxEarlier = 100;
const toHoldKey = (delivery: string) => ({ partition: "holds", sort: delivery });

/** When prod was closed for the delivery; the present wait lasts until now. */
export const listWaits = (hold: Hold | undefined, now: number): Hold["earlier"] => [
  ...(hold?.earlier ?? []),
  ...(hold?.current ? [{ from: hold.current.since, to: now }] : []),
];

/** When the last wait ended, epoch milliseconds; 0: there was none. */
export const findLastOpening = (hold: Hold | undefined): number => hold?.earlier.at(-1)?.to ?? 0;

/** Holds of deliveries, as stored facts: the message shows them, and time limits do not count them. */
export const createHolds = ({ store }: { readonly store: Pick<Store, "get" | "put"> }) => {
  const change = async (
    delivery: string,
    now: number,
    next: (hold: Hold | undefined) => Hold | undefined,
  ): Promise<Hold | undefined> => {
    for (;;) {
      const item = await store.get(toHoldKey(delivery));
      const hold = item && Hold.parse(item.value);
      const changed = next(hold);
      if (!changed) return hold;
      const options = {
        expect: item?.version ?? ("absent" as const),
        expiresAt: Math.floor(now / 1_000) + retentionSeconds,
      };
      if ((await store.put(toHoldKey(delivery), changed, options)).written) return changed;
    }
  };
  return {
    read: async (delivery: string): Promise<Hold | undefined> => {
      const item = await store.get(toHoldKey(delivery));
      return item && Hold.parse(item.value);
    },

    /** Begins a wait, or updates the present one; returns when it began. */
    hold: async (
      { delivery, model }: Pick<Hold, "delivery" | "model">,
      { until, why }: Closure,
      now: number,
    ): Promise<number> => {
      const held = await change(delivery, now, (hold) =>
        hold?.current && hold.current.until === until && hold.current.why === why
          ? undefined
          : {
              delivery,
              model,
              current: { since: hold?.current?.since ?? now, until, why },
              earlier: hold?.earlier ?? [],
            },
      );
      return held?.current?.since ?? now;
    },

    /** Ends the present wait, if there is one. */
    release: async (delivery: string, now: number): Promise<Hold | undefined> =>
      change(delivery, now, (hold) =>
        hold?.current
          ? {
              ...hold,
              current: null,
              earlier: [
                ...hold.earlier,
                { from: hold.current.since, to: Math.max(now, hold.current.since) },
              ].slice(-maxEarlier),
            }
          : undefined,
      ),
  };
};
export type Holds = ReturnType<typeof createHolds>;
