import * as z from "zod";
import type { Counters, Store } from "#platform/store/store.ts";
import type { Quota } from "./admission.ts";
import type { RateLimit } from "./rate-limit.ts";
import { windowSeconds } from "./window-seconds.ts";

/** Parts of a window that are counted one by one. */
const slotsPerWindow = 60;

const StoredCounters = z.record(z.string(), z.number());

type RateLimitResult =
  | { readonly admitted: true; readonly quota: Quota }
  | {
      readonly admitted: false;
      readonly quota: Quota /** Whole seconds, at least 1. */;
      readonly retryAfter: number;
    };

/** Counted requests by slot, the oldest first. */
type Slot = { readonly slot: number; readonly count: number };

/** The slots of one item that are still inside the window which ends in slot `now`. */
const selectSlots = (window: number, counters: Counters, now: number): readonly Slot[] =>
  Object.entries(counters)
    .map(([name, count]) => ({ slot: window * slotsPerWindow + Number(name), count }))
    .filter(({ slot, count }) => slot >= now - slotsPerWindow && count > 0)
    .toSorted((a, b) => a.slot - b.slot);

/** The first slot in which fewer than `burst` of these requests are inside the window. */
const findFreeSlot = (counted: readonly Slot[], burst: number, now: number): number => {
  let left = counted.reduce((sum, { count }) => sum + count, 0);
  for (const { slot, count } of counted) {
    if (left < burst) break;
    left -= count;
    now = Math.max(now, slot + slotsPerWindow + 1);
  }
  return now;
};

/**
 * Admits at most `burst` requests of a key within any window of `burst / perMinute` minutes, however many processes
 * ask at once. A sliding window of two fixed ones, as Cloudflare counts, but each window's item counts 60 slots of its own:
 * where their estimate spreads the last window's requests evenly, and lets nearly twice the limit through after a burst
 * at its end, here only the oldest slot is in doubt, and it counts in full. So a place becomes free up to a sixtieth of
 * the window late, and no window holds more than the limit, but for requests that are under way at the very moment
 * when one item follows another, or whose processes' clocks differ by more than a slot.
 * https://blog.cloudflare.com/counting-things-a-lot-of-different-things/
 *
 * A request costs one atomic addition, which says how many there are now, and one read of the item before; nothing is
 * tried again when many ask at once, as a token bucket under conditional writes would have to. A refused request takes its
 * count back, and its process refuses by itself until there can be a place: who asks on does not push the end away.
 * Throws where the store cannot count.
 */
export const createRateLimiter = ({
  store,
  clock,
  warn,
}: {
  readonly store: Pick<Store, "add" | "get">;
  readonly clock: () => number;
  readonly warn: (sentence: string, fault: unknown) => void;
}) => {
  /** Epoch milliseconds before which no request of a key can be admitted. */
  const full = new Map<string, number>();

  return async (scope: string, rate: RateLimit): Promise<RateLimitResult> => {
    const at = clock();
    const slotMs = (windowSeconds(rate) * 1_000) / slotsPerWindow;
    const now = Math.floor(at / slotMs);
    const window = Math.floor(now / slotsPerWindow);
    const refused = (until: number): RateLimitResult => ({
      admitted: false,
      quota: { rate, remaining: 0 },
      retryAfter: Math.max(1, Math.ceil((until - at) / 1_000)),
    });

    const known = full.get(scope);
    // Further away than a window ends no wait: the clock was set back since.
    if (known !== undefined && known > at && known - at <= 2 * slotsPerWindow * slotMs) return refused(known);
    full.delete(scope);

    const item = (index: number) => ({
      partition: `api-key-rate#${scope}`,
      sort: String(index).padStart(12, "0"),
    });
    const own = String(now - window * slotsPerWindow);
    const expiresAt = Math.ceil(((window + 2) * slotsPerWindow * slotMs) / 1_000) + 60;
    const [current, before] = await Promise.all([
      store.add(item(window), { [own]: 1 }, { expiresAt }),
      store.get(item(window - 1)),
    ]);
    const counted = [
      ...selectSlots(window - 1, StoredCounters.parse(before?.value ?? {}), now),
      ...selectSlots(window, current, now),
    ];
    const total = counted.reduce((sum, { count }) => sum + count, 0);
    if (total <= rate.burst) return { admitted: true, quota: { rate, remaining: rate.burst - total } };

    const others = counted.map((each) => (each.slot === now ? { ...each, count: each.count - 1 } : each));
    const until = findFreeSlot(others, rate.burst, now) * slotMs;
    full.set(scope, until);
    await store
      .add(item(window), { [own]: -1 }, { expiresAt })
      .catch((fault: unknown) => warn("a refused request stays counted for one window", fault));
    return refused(until);
  };
};
export type RateLimiter = ReturnType<typeof createRateLimiter>;
