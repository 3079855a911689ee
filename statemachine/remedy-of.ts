import { remedies } from "./contracts.ts";

/** What a person does about an error, also about one that no list foresaw. */
export const remedyOf = (name: string): string =>
  Object.entries(remedies).find(([known]) => known === name)?.[1] ??
  "Read the cause; `slipway status` shows where the delivery stopped, and delivering again is safe.";
