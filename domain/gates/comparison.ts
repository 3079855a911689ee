import * as z from "zod";
import type { Interval } from "#domain/statistics/interval.ts";
import { Verdict } from "./verdict.ts";

/** A row of the approver's table: one measurement of the new version beside that of prod's version. */
export const Comparison = z.object({
  name: z.string(),
  unit: z.string(),
  /** Of prod's version, measured at the same time in the same way; null: none, or unknown. */
  champion: z.number().nullable(),
  challenger: z.number().nullable(),
  /** 95 % interval of challenger − champion; null: not known. */
  interval: z.object({ low: z.number(), high: z.number() }).nullable(),
  /** What it has to be, in words; empty: anything. */
  limit: z.string(),
  /** The worst of its checks; null: it is only shown. */
  verdict: Verdict.nullable(),
});
export type Comparison = z.infer<typeof Comparison>;

/** An interval as it is stored: JSON has no infinity, so one with an open end is not known. */
export const toKnownInterval = ({ low, high }: Omit<Interval, "estimate">): Comparison["interval"] =>
  Number.isFinite(low) && Number.isFinite(high) ? { low, high } : null;

/** The only row whose champion's value is from the champion's own delivery: its version on stage is warm. */
export const coldStartName = "cold start";
