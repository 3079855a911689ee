import type { Closure } from "#domain/changes/find-closure.ts";
import type { CanaryOrderRecord } from "./canary-control.ts";
import type { CanaryLook } from "./canary-look.ts";

type Person = { readonly by: string; readonly name: string; readonly at: number };

type CanaryVote = Person & {
  /** The share of prod's traffic that its question is about. */
  readonly percent: number;
  /** `waiting`: it counts once Slack shows the voter's address. */
  readonly verdict: "approved" | "rejected" | "waiting";
  /** Approvals so far, and those that its question needs. */
  readonly approvals: number;
  readonly quorum: number;
};

/** Everything that people see of a canary: its page, its line in the terminal, JSON. Times are epoch milliseconds. */
export type CanaryFacts = {
  readonly model: string;
  readonly delivery: string;
  /** Registry version that gets the share, and the one that prod served before; null: unknown. */
  readonly version: number;
  readonly championVersion: number | null;
  /** `asked`: it proved nothing, and the approvers are asked whether it goes on. */
  readonly status: "running" | "held" | "asked" | "aborting" | "promoting" | "promoted" | "ended";
  /** The canary's steps in order; `from`: when the share began. */
  readonly steps: readonly {
    readonly percent: number;
    readonly from: number | null;
    /** `stopped`: the canary ended at it, and did not pass it. */
    readonly state: "done" | "current" | "stopped" | "next";
  }[];
  /** Percent of prod's traffic that the version gets now, or got last. */
  readonly percent: number;
  readonly startedAt: number;
  /** When the present step ends its bake; null: it keeps its share, it is over, or nothing was measured yet. */
  readonly nextLookAt: number | null;
  /** When it ends without a verdict: its longest time and the time in which it was held; null: it is not running, or nothing was measured yet. */
  readonly endsAt: number | null;
  /** Of the present step; null: it was not measured yet. */
  readonly samples: {
    readonly champion: number;
    readonly challenger: number;
    /** Requests that a pass needs of each version; null: no number is enough. */
    readonly required: number | null;
  } | null;
  readonly hold: (Person & { readonly until: number; readonly reason: string }) | null;
  /** Why prod is closed, which keeps it at its share; null: it is open, or the canary is over. */
  readonly closed: Closure | null;
  readonly abort: (Person & { readonly reason: string }) | null;
  /** The open question about its step. */
  readonly question: { readonly approval: string; readonly expiresAt: number } | null;
  readonly orders: readonly CanaryOrderRecord[];
  /** Votes on whether it goes on without a verdict, oldest first. */
  readonly votes: readonly CanaryVote[];
  /** Every measurement, oldest first. */
  readonly looks: readonly CanaryLook[];
  /** Why it ended, where it failed. */
  readonly error: { readonly name: string; readonly cause: string } | null;
};
