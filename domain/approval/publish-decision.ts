import type { AuditRecorder } from "#domain/audit/audit-recorder.ts";
import type { DeliveryMessages } from "#domain/message/delivery-messages.ts";
import type { Approval } from "./approval-records.ts";
import type { Approvals } from "./approvals.ts";

export type PublishDecisionDependencies = {
  readonly approvals: Pick<Approvals, "send">;
  readonly messages: Pick<DeliveryMessages, "show">;
  readonly audit: Pick<AuditRecorder, "record" | "anchor">;
};

/**
 * Records votes and a decision in the audit trail, sends a decision that the state machine has not received, whoever made
 * it, updates the message, and anchors the trail. An approval without a decision sends nothing.
 */
export const publishDecision =
  ({ approvals, messages, audit }: PublishDecisionDependencies) =>
  async ({ id, delivery, model }: Pick<Approval, "id" | "delivery" | "model">): Promise<void> => {
    // Before the message, which shows the decision's place in the trail.
    await audit.record(delivery);
    try {
      await approvals.send(id);
    } finally {
      // The decision holds even where the state machine could not be reached.
      await messages.show(delivery);
      // Last: nobody waits for it.
      await audit.anchor(model);
    }
  };
