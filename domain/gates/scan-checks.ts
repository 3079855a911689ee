import type { Scan } from "../../platform/images/images.ts";
import type { Check } from "../../statemachine/contracts.ts";

export const scanChecks = (_: {
  readonly scan: Extract<Scan, { status: "complete" }>;
  readonly limits: { readonly critical: number; readonly high: number };
}): Check[] => {
  throw new Error("follows");
};
