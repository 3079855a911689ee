import * as z from "zod";
import { contributorsHeading } from "#domain/approval/compute-quorum.ts";
import { createEvent, toPublicText } from "#domain/events/create-event.ts";
import { toOutboxItems } from "#domain/events/to-outbox-items.ts";
import type { Store } from "#platform/store/store.ts";
import { createDeliveryIndex, toIndexItems } from "./delivery-index.ts";

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
  /** The person's rollback that ended it, who and why; absent: none did, or the record is of an earlier release. */
  rolledBackBy: z.string().optional(),
});
export type OutcomeRecord = z.infer<typeof OutcomeRecord>;

const describeOutcome = ({ delivery, model, commit, outcome, error, at, rolledBackBy }: OutcomeRecord) =>
  createEvent([delivery, outcome, error?.name ?? ""], at, {
    type: "outcome",
    model,
    delivery,
    commit,
    outcome,
    error: error && {
      name: error.name,
      cause: toPublicText(error.cause.split(contributorsHeading, 1)[0] ?? ""),
    },
    ...(rolledBackBy !== undefined && { rolledBackBy: toPublicText(rolledBackBy) }),
  });

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
    const key = toOutcomeKey(ended.delivery);
    const start = await createDeliveryIndex({ store }).start(ended.delivery);
    const also = [
      ...(toOutboxItems(describeOutcome(ended)).also ?? []),
      ...toIndexItems({ ...ended, startedAt: start?.startedAt ?? ended.at, endedAt: ended.at }),
    ];
    for (let expect: "absent" | number = "absent"; ; ) {
      const put = await store.put(key, ended, { expect, also });
      if (put.written) return expect === "absent";
      const stored = put.found && OutcomeRecord.parse(put.found.value);
      if (stored?.outcome === ended.outcome && stored.error?.name === ended.error?.name) return false;
      expect = put.found?.version ?? "absent";
    }
  },
});
export type Outcomes = ReturnType<typeof createOutcomes>;
