import type { Closure } from "#domain/changes/find-closure.ts";
import type { OutcomeRecord } from "#domain/delivery/outcomes.ts";

/** A delivery in a list. Times are epoch milliseconds. */
export type DeliverySummary = {
  readonly delivery: string;
  readonly model: string;
  readonly commit: string;
  /** When it claimed stage; of one that was refused before, when it ended. */
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** Null: it is under way. */
  readonly outcome: OutcomeRecord["outcome"] | null;
  readonly error: OutcomeRecord["error"];
  /** The person's rollback that ended it, who and why; absent: none did. */
  readonly rolledBackBy?: string | undefined;
  /** Registry version; null: it did not get so far, or it is not known. */
  readonly version: number | null;
  /** Why it may not change prod now; null: it may, or it has ended. */
  readonly closed: Closure | null;
};

export type DeliveryPage = {
  readonly deliveries: readonly DeliverySummary[];
  /** Where the next older page begins; null: this is the last one. */
  readonly next: string | null;
};

export type DeliveryFilter = {
  readonly model?: string | undefined;
  /** `running`: without an outcome. */
  readonly outcome?: OutcomeRecord["outcome"] | "running" | undefined;
  /** `next` of the page before. */
  readonly after?: string | undefined;
};
