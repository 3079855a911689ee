/** What contracts.ts is for the other states, for those of a canary that asks its approvers: most functions load neither. */
import * as z from "zod";
import { JudgeCanaryInput, RequestApprovalInput } from "./contracts.ts";

/** The second question of a delivery: whether a canary that proved nothing goes on. */
export const RequestCanaryApprovalInput = RequestApprovalInput.omit({
  fence: true,
  scanChecks: true,
  scanOmitted: true,
  comparisons: true,
  provenance: true,
}).extend({
  /** Of the claim on prod. */
  prodFence: RequestApprovalInput.shape.fence,
  /** The approval with which the version came to prod. */
  approval: z.string(),
  championVersion: z.string(),
  functionVersion: z.string(),
  step: z.int().min(0),
});
export type RequestCanaryApprovalInput = z.infer<typeof RequestCanaryApprovalInput>;
/** The canary's first: it has every field of the other. */
export const AnyApprovalInput = z.union([RequestCanaryApprovalInput, RequestApprovalInput]);
export type AnyApprovalInput = z.infer<typeof AnyApprovalInput>;

/** A canary after its approvers let it go on: it is judged once more, because it had traffic in the meantime. */
export const ResumeCanaryInput = JudgeCanaryInput.extend({
  /** The approval of this step. */
  canaryApproval: z.string(),
});
export type ResumeCanaryInput = z.infer<typeof ResumeCanaryInput>;
export const AnyCanaryInput = z.union([ResumeCanaryInput, JudgeCanaryInput]);
export type AnyCanaryInput = z.infer<typeof AnyCanaryInput>;
