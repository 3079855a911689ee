import * as z from "zod";
import type { Counters, Store } from "#platform/store/store.ts";
import type { Quota } from "./admission.ts";
import type { RateLimit } from "./rate-limit.ts";
import { windowSeconds } from "./window-seconds.ts";

/** Each window is counted in this many slots. */
const slotsPerWindow = 60;
/** From then on nothing is added to the previous window: a request's calls of the store end sooner. */
const settledMs = 2_000;

const StoredCounters = z.record(z.string(), z.number());

type RateLimitResult =
  | { readonly admitted: true; readonly quota: Quota }
  | {
      readonly admitted: false;
      readonly quota: Quota;
      /** Whole seconds, at least 1. */
      readonly retryAfter: number;
    };

type Slot = { readonly slot: number; readonly count: number };

/** The slots of one item that are still inside the window that ends in slot `now`, oldest first. */
const selectSlots = (window: number, counters: Counters, now: number): readonly Slot[] =>
  Object.entries(counters)
    .map(([name, count]) => ({ slot: window * slotsPerWindow + Number(name), count }))
    .filter(({ slot, count }) => slot >= now - slotsPerWindow && count > 0)
    .toSorted((a, b) => a.slot - b.slot);

/** The first slot in which fewer than `burst` of these requests are inside the window. */
const findFreeSlot = (slots: readonly Slot[], burst: number, now: number): number => {
  let requests = slots.reduce((sum, { count }) => sum + count, 0);
  for (const { slot, count } of slots) {
    if (requests < burst) break;
    requests -= count;
    now = Math.max(now, slot + slotsPerWindow + 1);
  }
  return now;
};

/**
 * Admits at most `burst` requests of a key within any window of `burst / perMinute` minutes, across all processes. A
 * sliding window over two fixed ones, as Cloudflare counts, but each window's item has 60 slots. Cloudflare's estimate
 * spreads the last window's requests evenly, so after a burst at its end nearly twice the limit gets through. Here only
 * the oldest slot is uncertain, and it counts in full: capacity becomes free up to 1/60 of the window late, and no window
 * exceeds the limit. Two exceptions: requests that run at the moment when the item changes, and processes whose clocks
 * differ by more than one slot.
 * https://blog.cloudflare.com/counting-things-a-lot-of-different-things/
 *
 * A request costs one atomic addition, which returns the new counts, and one read of the previous item; a process
 * reads a previous item once when it has settled, two seconds after its window. Concurrent requests cause no retries, unlike a token bucket with conditional writes. A refused request takes its count back, and
 * its process refuses on its own until capacity can be free: repeated requests do not extend the wait.
 * Throws if the store cannot count.
 */
export const createRateLimiter = ({
  store,
  clock,
  warn,
}: {
  readonly store: Pick<Store, "add" | "get">;
  readonly clock: () => number;
  readonly warn: (sentence: string, error: unknown) => void;
}) => {
  /** By key: epoch milliseconds until which every request is refused. */
  const fullUntil = new Map<string, number>();
  /** By key: the counts of a window that has settled. */
  const settled = new Map<string, { readonly window: number; readonly counters: Counters }>();

  return async (scope: string, rate: RateLimit): Promise<RateLimitResult> => {
    const time = clock();
    const slotMs = (windowSeconds(rate) * 1_000) / slotsPerWindow;
    const now = Math.floor(time / slotMs);
    const window = Math.floor(now / slotsPerWindow);
    const refuse = (until: number): RateLimitResult => ({
      admitted: false,
      quota: { rate, remaining: 0 },
      retryAfter: Math.max(1, Math.ceil((until - time) / 1_000)),
    });

    const knownUntil = fullUntil.get(scope);
    // A wait longer than two windows means that the clock was set back.
    if (knownUntil !== undefined && knownUntil > time && knownUntil - time <= 2 * slotsPerWindow * slotMs)
      return refuse(knownUntil);
    fullUntil.delete(scope);

    const toItemKey = (index: number) => ({
      partition: `api-key-rate#${scope}`,
      sort: String(index).padStart(12, "0"),
    });
    const slotName = String(now - window * slotsPerWindow);
    const expiresAt = Math.ceil(((window + 2) * slotsPerWindow * slotMs) / 1_000) + 60;
    const readPrevious = async (): Promise<Counters> => {
      const known = settled.get(scope);
      if (known?.window === window - 1) return known.counters;
      const item = await store.get(toItemKey(window - 1));
      const counters = StoredCounters.parse(item?.value ?? {});
      if (time - window * slotsPerWindow * slotMs >= settledMs)
        settled.set(scope, { window: window - 1, counters });
      return counters;
    };
    const [current, previous] = await Promise.all([
      store.add(toItemKey(window), { [slotName]: 1 }, { expiresAt }),
      readPrevious(),
    ]);
    const slots = [...selectSlots(window - 1, previous, now), ...selectSlots(window, current, now)];
    const total = slots.reduce((sum, { count }) => sum + count, 0);
    if (total <= rate.burst) return { admitted: true, quota: { rate, remaining: rate.burst - total } };

    const withoutThis = slots.map((slot) => (slot.slot === now ? { ...slot, count: slot.count - 1 } : slot));
    const until = findFreeSlot(withoutThis, rate.burst, now) * slotMs;
    fullUntil.set(scope, until);
    await store
      .add(toItemKey(window), { [slotName]: -1 }, { expiresAt })
      .catch((error: unknown) => warn("a refused request stays counted for one window", error));
    return refuse(until);
  };
};
export type RateLimiter = ReturnType<typeof createRateLimiter>;
