import * as z from "zod";

/** Approvers rejected an earlier delivery of the same commit. */
export const EarlierRejection = z.object({
  delivery: z.string(),
  by: z.array(z.object({ user: z.string(), name: z.string() })),
  /** Epoch milliseconds. */
  at: z.int(),
  reason: z.string().nullable(),
  /** Null: whether the version may go to prod was rejected. Otherwise its canary, at this percent of prod's traffic. */
  canaryPercent: z.number().nullable(),
});
export type EarlierRejection = z.infer<typeof EarlierRejection>;
