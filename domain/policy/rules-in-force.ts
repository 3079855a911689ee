import type { ApprovalRule, CanaryRule, Manifest } from "../../inference/manifest.ts";
import type { CanaryLimits, Policy } from "./policy.ts";

/** Bounds of one score: at least `min` (accuracy, auc) or at most `max` (mae, rmse), where a manifest sets one. */
export type HighScoreInForce = { readonly min?: number; readonly notWorseThanChampionBy?: number };
export type LowScoreInForce = { readonly max?: number; readonly notWorseThanChampionBy?: number };

export type GatesInForce = {
  readonly accuracy?: HighScoreInForce;
  readonly auc?: HighScoreInForce;
  readonly mae?: LowScoreInForce;
  readonly rmse?: LowScoreInForce;
  readonly latencyP95Ms: number;
  readonly imageSizeMb: number;
  readonly vulnerabilities: { readonly critical: number; readonly high: number };
};

export type RulesInForce = {
  readonly gates: GatesInForce;
  readonly approval: ApprovalRule;
  readonly canary: CanaryRule;
  readonly canaryLimits: CanaryLimits;
  readonly resources: Manifest["resources"];
  /** What of gates, approval and canary the challenger's manifest changes, a sentence each; for the message's first line. */
  readonly changed: readonly string[];
};

export const rulesInForce = (_: {
  readonly floor: Policy;
  readonly champion?: Manifest | undefined;
  readonly challenger: Manifest;
}): RulesInForce => {
  throw new Error("follows");
};
