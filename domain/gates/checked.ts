import type { Check } from "#statemachine/contracts.ts";

/** What was measured, and what could not be and why: the approver is shown both. */
export type Checked = {
  readonly checks: readonly Check[];
  readonly omitted: readonly { readonly name: string; readonly why: string }[];
};
