import type { AnswerOrigin } from "#domain/approval/answer-origin.ts";
import type { Approvals } from "#domain/approval/approvals.ts";
import { type SubmitDecisionDependencies, submitDecision } from "#domain/approval/submit-decision.ts";
import {
  type GiveCanaryOrderDependencies,
  giveCanaryOrder,
  type OrderRequest,
  type OrderResult,
} from "./give-canary-order.ts";

export type SubmitCanaryOrderDependencies = GiveCanaryOrderDependencies &
  SubmitDecisionDependencies & {
    readonly approvals: Pick<Approvals, "ofDelivery" | "abort" | "vote" | "send">;
  };

/**
 * An order from the command line or a page: stores it, records it in the audit trail, sends a decision that it made to the state machine, and updates the
 * message. A "go" while the approvers are asked is a vote on their question.
 */
export const submitCanaryOrder =
  (needs: SubmitCanaryOrderDependencies) =>
  async (
    delivery: string,
    request: OrderRequest,
    person: AnswerOrigin & {
      readonly user: string;
      readonly name: string;
      readonly email?: string | undefined;
    },
  ): Promise<OrderResult> => {
    const { approvals, messages, audit } = needs;
    const question = (await approvals.ofDelivery(delivery)).at(-1);
    const isAsked = question?.canary && question.state.status === "pending";
    if (question && isAsked && request.kind === "go") {
      const { user: id, ...rest } = person;
      const approver = { id, ...rest };
      return submitDecision(needs)({
        ...{ approval: question.id, approver, verdict: "approved", reason: null },
        confirmation: request.confirmation,
      });
    }
    const result = await giveCanaryOrder(needs)(delivery, request, person);
    if (!result.taken) return result;
    await audit.record(delivery);
    try {
      if (question && isAsked) await approvals.send(question.id);
    } finally {
      await messages.show(delivery);
      if (question) await audit.anchor(question.model);
    }
    return result;
  };
