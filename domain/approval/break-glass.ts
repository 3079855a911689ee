import * as z from "zod";
import { AnswerOrigin } from "./answer-origin.ts";

/** One more approver than the quorum let a delivery change prod although prod was closed. */
export const BreakGlass = z.object({
  user: z.string(),
  name: z.string(),
  reason: z.string(),
  /** Epoch milliseconds. */
  at: z.int(),
  ...AnswerOrigin.shape,
});
export type BreakGlass = z.infer<typeof BreakGlass>;
