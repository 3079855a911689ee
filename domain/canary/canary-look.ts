import * as z from "zod";
import { Check, Verdict } from "#domain/gates/verdict.ts";
import { ScoreDistribution } from "./score-distribution.ts";

/** A measured value with its 95 % interval; null: too few requests leave that end open. */
const Estimate = z.object({ value: z.number(), low: z.number(), high: z.number().nullable() });
export type Estimate = z.infer<typeof Estimate>;

/** What one version did since its share began. */
export const ArmMeasurement = z.object({
  /** Calls, those that the function could not report too. */
  requests: z.number(),
  failures: z.number(),
  /** Share of failed calls, 0 to 1; null without calls. */
  errors: Estimate.nullable(),
  /** Milliseconds. */
  p50: Estimate.nullable(),
  p95: Estimate.nullable(),
  /** Share of each label, 0 to 1. */
  labels: z.array(Estimate.extend({ label: z.string() })),
  /** Null: its model has no score. Absent: an earlier release measured it. */
  scores: ScoreDistribution.nullable().optional(),
});
export type ArmMeasurement = z.infer<typeof ArmMeasurement>;

const CanaryLimits = z.object({
  errorPoints: z.number(),
  p95Ratio: z.number(),
  p95SlackMs: z.number(),
  labelSharePoints: z.number(),
  minSamples: z.number(),
});

/** One measurement of a canary: what each version did, and, where it was judged, the verdict. */
export const CanaryLook = z.object({
  index: z.int().min(0),
  /** Epoch milliseconds. */
  at: z.int(),
  step: z.int().min(0),
  /** Percent of prod's traffic. */
  percent: z.number(),
  /** When this share began. */
  since: z.int(),
  /** Null: measured between two judgements, for the charts alone. */
  judged: z
    .object({
      verdict: Verdict,
      /** What the state machine did then. */
      next: z.enum(["shift", "bake", "promote", "roll-back", "ask"]),
      /** A hold kept it at its step. */
      held: z.boolean(),
      checks: z.array(Check),
    })
    .nullable(),
  champion: ArmMeasurement,
  challenger: ArmMeasurement,
  limits: CanaryLimits,
  rule: z.object({
    steps: z.array(z.number()),
    bakeSeconds: z.number(),
    atMostSeconds: z.number(),
    onInconclusive: z.enum(["extend", "ask", "roll-back"]),
    /** Requests that a pass needs of each version: the least samples, and what the limit of errors needs. */
    requiredRequests: z.number().nullable(),
  }),
  /** When the first step began. */
  startedAt: z.int(),
  /** The last judgement up to this measurement, this one included; null: none of this canary yet. */
  last: z
    .object({ at: z.int(), step: z.int(), next: z.string(), held: z.boolean(), verdict: Verdict })
    .nullable(),
});
export type CanaryLook = z.infer<typeof CanaryLook>;
