import type { CanaryControl } from "#domain/canary/canary-control.ts";
import type { CanaryLook } from "#domain/canary/canary-look.ts";
import type { Closure } from "#domain/changes/find-closure.ts";
import type { Hold } from "#domain/changes/holds.ts";
import type { OutcomeRecord } from "#domain/delivery/outcomes.ts";
import type { Deployment } from "#domain/ledger/ledger.ts";
import type { Execution, StateEvent } from "#platform/deliveries/deliveries.ts";
import type { ShownApproval } from "./shown-approval.ts";

/** Everything that is stored about one delivery. */
export type DeliveryRecord = {
  readonly delivery: string;
  readonly model: string;
  /** Null: the engine no longer keeps it. Its status is the engine's: `outcome` has the last word. */
  readonly execution: Execution | null;
  /** Oldest first; empty where the engine no longer keeps it. */
  readonly history: readonly StateEvent[];
  /** Oldest first. */
  readonly questions: readonly ShownApproval[];
  readonly stage: Deployment | null;
  readonly prod: Deployment | null;
  /** What prod serves now. */
  readonly serving: Deployment | null;
  readonly outcome: OutcomeRecord | null;
  /** The person's rollback that interrupted it or took it back: who and why. */
  readonly rolledBack: { readonly by: string; readonly kind: "interrupted" | "taken back" } | null;
  /** What it waits or waited for because prod was closed; null: nothing. */
  readonly hold: Hold | null;
  /** Why prod is closed for it now; null: it is open, somebody let it on, or it has ended. */
  readonly closed: Closure | null;
  /** What people ordered about its canary; null: it had none. */
  readonly control: CanaryControl | null;
  /** How long this world lets a canary bake, where it is not what the manifest says. */
  readonly bakeSeconds: number | null;
  /** The end of a canary's longest time, by the rules in force; absent: it has no canary under way, or was not measured yet. */
  readonly canaryEnd?: {
    /** Epoch milliseconds, the time in which it was held included. */
    readonly at: number;
    /** What follows without a verdict. */
    readonly onInconclusive: CanaryLook["rule"]["onInconclusive"];
  };
};
