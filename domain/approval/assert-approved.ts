import { ApprovalMismatch } from "#domain/delivery/errors.ts";
import type { ApprovalReader } from "./approval-records.ts";
import type { ApprovalDecision } from "./decision.ts";

export type AssertApprovedDependencies = { readonly approvals: Pick<ApprovalReader, "read"> };

/**
 * Holds what is about to change prod against the decision as it is kept, whatever the state machine's data says: the
 * very delivery, commit, image and registry version that people approved, over the version that prod served when the
 * checks were measured. Returns that decision, which also says who approved. Throws ApprovalMismatch.
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
    /** Sequence of the ledger entry over which prod is changed; 0: prod serves nothing. */
    readonly baseline: number;
  }): Promise<ApprovalDecision> => {
    const { approval: id, delivery, model } = subject;
    const refuse = (why: string): never => {
      throw new ApprovalMismatch(`${delivery} may not change prod of ${model}: ${why}`);
    };
    const approval = await approvals.read(id);
    if (!approval) return refuse(`there is no approval ${id}`);
    if (approval.delivery !== delivery || approval.model !== model)
      return refuse(`the approval ${id} is about ${approval.delivery}`);
    const { state } = approval;
    if (state.status !== "decided" && state.status !== "sent")
      return refuse(`the approval ${id} is ${state.status}`);
    const { decision } = state;
    if (decision.status !== "approved") return refuse(`it was ${decision.status}`);
    for (const [what, approved, found] of [
      ["commit", approval.commit, subject.commit],
      ["image", decision.digest, subject.digest],
      ["image", approval.digest, subject.digest],
      ["registry version", decision.version, subject.version],
      ["registry version", approval.version, subject.version],
      ["prod baseline", decision.baseline, subject.baseline],
      ["prod baseline", approval.baseline, subject.baseline],
    ] as const)
      if (approved !== found) return refuse(`the ${what} ${approved} was approved, not ${found}`);
    return decision;
  };
