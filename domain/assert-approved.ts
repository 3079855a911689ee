import type { ApprovalRecords } from "./approval-records.ts";
import { ApprovalMismatch } from "./faults.ts";

export type Needs = { readonly approvals: Pick<ApprovalRecords, "read"> };

/**
 * Holds what is about to change prod against the decision as it is kept, whatever the state machine's data says: the
 * very delivery, image and registry version that people approved. Throws ApprovalMismatch.
 */
export const assertApproved =
  ({ approvals }: Needs) =>
  async (subject: {
    readonly approval: string;
    readonly delivery: string;
    readonly model: string;
    readonly digest: string;
    readonly version: number;
  }): Promise<void> => {
    const { approval: id, delivery, model } = subject;
    const refuse = (why: string) => {
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
      ["image", decision.digest, subject.digest],
      ["image", approval.digest, subject.digest],
      ["registry version", decision.version, subject.version],
      ["registry version", approval.version, subject.version],
    ] as const)
      if (approved !== found) return refuse(`the ${what} ${approved} was approved, not ${found}`);
  };
