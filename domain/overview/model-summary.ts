import type { Closure } from "#domain/changes/find-closure.ts";
import type { DeliverySummary } from "./delivery-summary.ts";
import type { ShownApproval } from "./shown-approval.ts";

/** Times are epoch milliseconds. */
export type ServedVersion = {
  readonly version: number;
  readonly digest: string;
  readonly commit: string;
  readonly delivery: string;
  readonly since: number;
};

/** What prod's version measured in the last `minutes`. A world without metrics does not know. */
export type Health =
  | { readonly status: "unknown"; readonly why: string }
  | {
      readonly status: "known";
      readonly minutes: number;
      /** All calls, also those that the function could not report. */
      readonly requests: number;
      readonly failed: number;
      /** Null without requests. */
      readonly p95Ms: number | null;
    };

/** What a person has to do. */
export type NeededAction =
  | { readonly kind: "decide"; readonly question: ShownApproval }
  | { readonly kind: "failed"; readonly delivery: DeliverySummary }
  | { readonly kind: "expired"; readonly delivery: DeliverySummary };

export type ModelSummary = {
  readonly model: string;
  /** Null: stage serves nothing. */
  readonly stage: ServedVersion | null;
  readonly prod: ServedVersion | null;
  /** The version that gets a part of prod's traffic. */
  readonly canary: (ServedVersion & { readonly percent: number }) | null;
  readonly health: Health;
  readonly lastDelivery: DeliverySummary | null;
  /** Why prod is closed: a freeze, or what holds its last delivery; null: nothing is known to close it. */
  readonly closed: Closure | null;
  /** The most urgent first. */
  readonly actions: readonly NeededAction[];
};
