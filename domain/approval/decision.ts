import * as z from "zod";
import { Digest } from "#platform/images/images.ts";

export const ApprovalDecision = z.object({
  status: z.enum(["approved", "rejected"]),
  by: z.array(z.object({ user: z.string(), name: z.string(), at: z.string() })),
  reason: z.string().nullable(),
  approval: z.string(),
  /** Epoch milliseconds. */
  decidedAt: z.int(),
  baseline: z.int().min(0),
  /** The approved image and registry version: nothing else may be deployed or promoted. */
  digest: Digest,
  version: z.int().positive(),
});
export type ApprovalDecision = z.infer<typeof ApprovalDecision>;
