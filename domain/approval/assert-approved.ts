import { ApprovalMismatch } from "#domain/delivery/errors.ts";
import type { ApprovalReader } from "./approval-records.ts";
import type { ApprovalDecision } from "./decision.ts";

export type AssertApprovedDependencies = { readonly approvals: Pick<ApprovalReader, "read"> };

/**
 * Compares a change of prod with the stored decision, not with the state machine's data: delivery, commit, image,
 * registry version and the baseline on prod have to be the approved ones. Returns the decision. Throws ApprovalMismatch.
 */
export const assertApproved =
  ({ approvals }: AssertApprovedDependencies) =>
  async (subject: {
    readonly approval: string;
    readonly delivery: string;
    readonly model: string;
    readonly commit: string;
    readonly digest: string;
    readonly version: number;
    /** Sequence of the ledger entry that prod serves before the change; 0: none. */
    readonly baseline: number;
    /** The canary's step that may go on without a verdict; absent: the version may go to prod. */
    readonly canaryStep?: number;
  }): Promise<ApprovalDecision> => {
    const { approval: id, delivery, model } = subject;
    const refuse = (why: string): never => {
      throw new ApprovalMismatch(`${delivery} may not change prod of ${model}: ${why}`);
    };
    const approval = await approvals.read(id);
    if (!approval) return refuse(`there is no approval ${id}`);
    if (approval.delivery !== delivery || approval.model !== model)
      return refuse(`the approval ${id} is about ${approval.delivery}`);
    // One question's answer is no answer to the other.
    const step = subject.canaryStep ?? null;
    if ((approval.canary?.step ?? null) !== step)
      return refuse(
        step === null
          ? `the approval ${id} is about its canary`
          : `the approval ${id} is not about step ${step} of its canary`,
      );
    const { state } = approval;
    if (state.status !== "decided" && state.status !== "sent")
      return refuse(`the approval ${id} is ${state.status}`);
    const { decision } = state;
    if (decision.status !== "approved") return refuse(`the decision was ${decision.status}`);
    for (const [field, approved, actual] of [
      ["commit", approval.commit, subject.commit],
      ["image", decision.digest, subject.digest],
      ["image", approval.digest, subject.digest],
      ["registry version", decision.version, subject.version],
      ["registry version", approval.version, subject.version],
      ["prod baseline", decision.baseline, subject.baseline],
      ["prod baseline", approval.baseline, subject.baseline],
    ] as const)
      if (approved !== actual) return refuse(`the ${field} ${approved} was approved, not ${actual}`);
    return decision;
  };
