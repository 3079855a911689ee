import * as z from "zod";
import { maxReportedScores, type RequestMetrics } from "#platform/metrics/metrics.ts";
import { maxMetrics, namespace } from "./format-emf.ts";

const Directive = z.object({
  Namespace: z.string(),
  Dimensions: z.array(z.array(z.string()).max(30)),
  Metrics: z
    .array(
      z.object({
        Name: z.string().min(1).max(1_024),
        Unit: z.string().optional(),
        StorageResolution: z.union([z.literal(1), z.literal(60)]).optional(),
      }),
    )
    .max(maxMetrics),
});

/** A Map, because labels are untrusted names. */
const LabelCounts = z
  .unknown()
  .transform((counts) =>
    typeof counts === "object" && counts !== null ? new Map(Object.entries(counts)) : counts,
  )
  .pipe(z.map(z.string(), z.int().positive()));

const Scores = z.array(z.number().nonnegative()).max(maxReportedScores).default([]);

/** The line of one predict request. */
export const EmfLine = z.looseObject({
  _aws: z.object({ Timestamp: z.int().nonnegative(), CloudWatchMetrics: z.array(Directive).min(1) }),
  environment: z.enum(["stage", "prod"]),
  model: z.string(),
  version: z.string(),
  Requests: z.literal(1),
  Failures: z.union([z.literal(0), z.literal(1)]),
  LatencyMs: z.number().nonnegative(),
  Score: Scores,
  NegativeScore: Scores,
  labels: LabelCounts,
});
export type EmfLine = z.infer<typeof EmfLine>;

/** Reads a request's metrics from a line of a function's output; undefined for every other line. */
export const parseEmf = (line: string): RequestMetrics | undefined => {
  if (!line.startsWith('{"_aws":')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const parsed = EmfLine.safeParse(value);
  if (!parsed.success || parsed.data._aws.CloudWatchMetrics[0]?.Namespace !== namespace) return undefined;
  const { environment, model, version, Failures, LatencyMs, Score, NegativeScore, labels, _aws } =
    parsed.data;
  const scores = [...Score, ...NegativeScore.map((value) => -value)];
  return {
    environment,
    model,
    version,
    at: _aws.Timestamp,
    latencyMs: LatencyMs,
    failed: Failures === 1,
    labels,
    ...(scores.length > 0 && { scores }),
  };
};
