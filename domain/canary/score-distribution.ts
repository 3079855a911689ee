import * as z from "zod";

/**
 * How the scores of one version are distributed since its share began. It is shown and never judged. `of` and `name`: which
 * number of a prediction its score is (find-reported-score.ts), so that no two different numbers are compared.
 */
export const ScoreDistribution = z.object({
  of: z.enum(["label", "predicted label", "value"]),
  name: z.string().nullable(),
  scale: z.enum(["probability", "decision", "distance", "value"]),
  unit: z.string().nullable(),
  /** Scores that the version reported; of a request with many rows not all (maxReportedScores). */
  count: z.number(),
  /** Null: none reported yet. */
  percentiles: z
    .object({ p10: z.number(), p25: z.number(), p50: z.number(), p75: z.number(), p90: z.number() })
    .nullable(),
});
export type ScoreDistribution = z.infer<typeof ScoreDistribution>;
