import * as z from "zod";
import type { Store } from "#platform/store/store.ts";

/** Every way a delivery ends. */
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
 * How deliveries ended. The execution's own status tells how the state machine ended; this tells what became of the
 * model, also where the sweep carried an interrupted delivery to its end.
 */
export const createOutcomes = ({ store }: { store: Store }) => ({
  read: async (delivery: string): Promise<OutcomeRecord | undefined> => {
    const item = await store.get(toOutcomeKey(delivery));
    return item && OutcomeRecord.parse(item.value);
  },
  /**
   * Keeps an outcome; true where none was kept before. Another outcome replaces it (a repaired rollback the failed
   * one), the same again leaves the first with its time.
   */
  keep: async (ended: OutcomeRecord): Promise<boolean> => {
    const put = await store.put(toOutcomeKey(ended.delivery), ended, { expect: "absent" });
    if (put.written) return true;
    const found = put.found && OutcomeRecord.parse(put.found.value);
    const same = found?.outcome === ended.outcome && found.error?.name === ended.error?.name;
    if (!same) await store.put(toOutcomeKey(ended.delivery), ended);
    return false;
  },
});
export type Outcomes = ReturnType<typeof createOutcomes>;
