import type { Comparison } from "#domain/gates/comparison.ts";
import type { Deployment } from "#domain/ledger/ledger.ts";
import type { DeliverySummary } from "./delivery-summary.ts";
import type { ModelSummary } from "./model-summary.ts";

/** A registered version, with what was measured on stage before anybody decided. */
export type VersionDetails = {
  readonly version: number;
  readonly delivery: string;
  readonly commit: string;
  readonly digest: string;
  /** When it came to stage, epoch milliseconds. */
  readonly at: number;
  /** First line of the commit's message, unverified; null: not known. */
  readonly subject: string | null;
  /** `serving`, `canary`: on prod now. `served`: it was on prod. */
  readonly state: "serving" | "canary" | "served" | "on stage" | "not promoted";
  /** Empty: nothing was measured, or it is no longer kept. */
  readonly comparisons: readonly Comparison[];
};

export type ModelDetails = {
  readonly summary: ModelSummary;
  /** The address of the manifest's owner; null: not known. */
  readonly owner: string | null;
  /** Newest first. */
  readonly versions: readonly VersionDetails[];
  /** Prod's ledger, newest first. */
  readonly ledger: readonly Deployment[];
  /** What `slipway rollback` puts back on prod; null: nothing served before. */
  readonly rollbackTo: {
    readonly version: number;
    readonly digest: string;
    readonly delivery: string;
  } | null;
  /** Calls of prod by hour, oldest first; null: this world does not count them. */
  readonly hourlyCalls: { readonly to: number; readonly calls: readonly number[] } | null;
  /** Newest first. */
  readonly deliveries: readonly DeliverySummary[];
};
