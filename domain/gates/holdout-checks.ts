import type { Prediction } from "../../inference/manifest.ts";
import type { GatesInForce } from "../policy/rules-in-force.ts";
import type { Checked } from "./checked.ts";

type Common = {
  readonly gates: GatesInForce;
  /** The challenger's answers, one for each row of the holdout. */
  readonly challenger: readonly Prediction[];
  /** The champion's answers to the same rows; or why there are none. */
  readonly champion: readonly Prediction[] | { readonly absent: string };
};
export type Holdout = Common &
  (
    | {
        readonly task: "classification";
        readonly positive?: string | undefined;
        readonly truth: readonly string[];
      }
    | { readonly task: "regression"; readonly truth: readonly number[] }
  );

export const holdoutChecks = (_: Holdout): Checked => {
  throw new Error("follows");
};
