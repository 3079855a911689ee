import type { ApprovalReader } from "#domain/approval/approval-records.ts";
import type { LogWarning } from "#domain/delivery/log-warning.ts";
import type { Registry } from "#platform/registry/registry.ts";
import type { Subject } from "#statemachine/contracts.ts";

/**
 * Tags a rejected version with who rejected it and why: whoever finds it in the registry later sees no message. A repeated
 * run writes the same tags. The registry only informs: without it the delivery ends nevertheless.
 */
export const tagRejection =
  ({
    approvals,
    registry,
    warn,
  }: {
    readonly approvals: Pick<ApprovalReader, "ofDelivery">;
    readonly registry: Pick<Registry, "setTags">;
    readonly warn: LogWarning;
  }) =>
  async ({ delivery, model }: Subject): Promise<void> => {
    const rejected = (await approvals.ofDelivery(delivery)).findLast(
      ({ state }) => "decision" in state && state.decision.status === "rejected",
    );
    if (!rejected || !("decision" in rejected.state)) return;
    const { by, reason } = rejected.state.decision;
    try {
      await registry.setTags(model, rejected.version, {
        rejected_by: by.map(({ user }) => user).join(" "),
        ...(reason !== null && { rejection_reason: reason }),
      });
    } catch (error) {
      warn(`the rejection of ${model} version ${rejected.version} is not in the registry`, error, {
        delivery,
        model,
      });
    }
  };
