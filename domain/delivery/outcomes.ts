import * as z from "zod";
import type { Store } from "#platform/store/store.ts";

export const Outcome = z.enum(["promoted", "rejected", "expired", "superseded", "unchanged", "failed"]);
export type Outcome = z.infer<typeof Outcome>;

export const OutcomeRecord = z.object({
  delivery: z.string(),
  model: z.string(),
  commit: z.string(),
  outcome: Outcome,
  error: z.object({ name: z.string(), cause: z.string() }).nullable(),
  /** Epoch milliseconds. */
  at: z.int(),
});
export type OutcomeRecord = z.infer<typeof OutcomeRecord>;

const toOutcomeKey = (delivery: string) => ({ partition: "outcomes", sort: delivery });

/**
 * How deliveries ended. An execution's own status only shows how the state machine ended, and the sweep may finish an
 * interrupted delivery after that.
 */
export const createOutcomes = ({ store }: { store: Store }) => ({
  read: async (delivery: string): Promise<OutcomeRecord | undefined> => {
    const item = await store.get(toOutcomeKey(delivery));
    return item && OutcomeRecord.parse(item.value);
  },
  /**
   * Stores an outcome and returns true if it is the first. Another outcome replaces it (after a repaired rollback); the same
   * outcome keeps the first time.
   */
  keep: async (ended: OutcomeRecord): Promise<boolean> => {
    const put = await store.put(toOutcomeKey(ended.delivery), ended, { expect: "absent" });
    if (put.written) return true;
    const stored = put.found && OutcomeRecord.parse(put.found.value);
    const same = stored?.outcome === ended.outcome && stored.error?.name === ended.error?.name;
    if (!same) await store.put(toOutcomeKey(ended.delivery), ended);
    return false;
  },
});
export type Outcomes = ReturnType<typeof createOutcomes>;
