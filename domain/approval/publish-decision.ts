import type { DeliveryMessages } from "#domain/message/delivery-messages.ts";
import type { Approval } from "./approval-records.ts";
import type { Approvals } from "./approvals.ts";

export type PublishDecisionDependencies = {
  readonly approvals: Pick<Approvals, "send">;
  readonly messages: Pick<DeliveryMessages, "show">;
};

/**
 * Sends a decision that the state machine has not received, whoever made it, and updates the message. An approval without a
 * decision sends nothing.
 */
export const publishDecision =
  ({ approvals, messages }: PublishDecisionDependencies) =>
  async ({ id, delivery }: Pick<Approval, "id" | "delivery">): Promise<void> => {
    try {
      await approvals.send(id);
    } finally {
      // The decision holds even where the state machine could not be reached.
      await messages.show(delivery);
    }
  };
