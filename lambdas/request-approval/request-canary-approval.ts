import type { Approvals, NewApproval } from "#domain/approval/approvals.ts";
import { assertApproved } from "#domain/approval/assert-approved.ts";
import { expiryMarginSeconds } from "#domain/approval/expiry-margin-seconds.ts";
import type { ResolveApprovers } from "#domain/approval/resolve-approvers.ts";
import type { Claims } from "#domain/claims/claims.ts";
import { ContractBroken } from "#domain/delivery/errors.ts";
import { loadRules } from "#domain/delivery/read-committed-model.ts";
import { assertDeployed } from "#domain/ledger/assert-deployed.ts";
import { assertNotEnded } from "#domain/ledger/assert-not-ended.ts";
import type { Ledger } from "#domain/ledger/ledger.ts";
import type { DeliveryMessages } from "#domain/message/delivery-messages.ts";
import type { PlatformPolicy } from "#domain/policy/platform-policy.ts";
import type { Source } from "#platform/source/source.ts";
import type { RequestCanaryApprovalInput } from "#statemachine/canary-contracts.ts";
import { openQuestion } from "./open-question.ts";

export type RequestCanaryApprovalDependencies = {
  readonly approvals: Approvals;
  readonly claims: Claims;
  readonly ledger: Ledger;
  readonly messages: DeliveryMessages;
  readonly source: Source;
  readonly policy: Pick<PlatformPolicy, "read">;
  readonly approversFor: ResolveApprovers;
  readonly clock: () => number;
};

/**
 * Asks the approvers whether a canary that proved nothing goes on: the same policy, quorum and contributors as for prod,
 * bound to {digest, version, baseline on prod, fence, step}. A retry finds the same question and any earlier decision.
 * Throws Superseded (a rollback ended the canary), ApprovalMismatch and QuorumOutOfReach.
 */
export const requestCanaryApproval =
  ({
    approvals,
    claims,
    ledger,
    messages,
    source,
    policy,
    approversFor,
    clock,
  }: RequestCanaryApprovalDependencies) =>
  async (input: RequestCanaryApprovalInput): Promise<void> => {
    const { delivery, model, commit, digest, version, baseline, prodFence, author, pusher, step } = input;
    const deployment = await ledger.ofDelivery("prod", model, delivery);
    const share = deployment?.shares.at(-1);
    if (!deployment || !share) throw new ContractBroken(`the ledger knows no canary of ${delivery}`);
    assertNotEnded(deployment);
    await assertApproved({ approvals })({ ...deployment, approval: input.approval, baseline });
    await assertDeployed({ ledger })(deployment, input);
    const approved = await approvals.read(input.approval);
    const serving = await ledger.serving("prod", model);
    const { rules } = await loadRules({ source, policy })(model, commit, serving?.commit);
    const { within: _, ...rule } = rules.approval;
    const { quorum, approvers, contributors } = await approversFor({
      ...{ delivery, model, commit, pusher },
      rule: rules.approval,
    });
    const now = clock();
    const question: NewApproval = {
      ...{ delivery, model, commit, digest, version, baseline, fence: prodFence, author, pusher },
      contributors,
      rule: { ...rule, approvers: [...approvers], quorum },
      raisedBy: quorum - rule.quorum,
      evidence: {
        ...{ champion: null, changed: [] },
        ...approved?.evidence,
        checks: [...(approved?.evidence.checks ?? []), ...input.checks],
        omitted: [...(approved?.evidence.omitted ?? []), ...input.omitted],
      },
      canary: { step, percent: share.percent },
      askedAt: now,
      expiresAt: now + (input.timeoutSeconds - expiryMarginSeconds) * 1_000,
    };
    // Before the first write: after a crash the sweep shows the message.
    await messages.expect(delivery);
    await openQuestion({ approvals, messages })(question, input.taskToken, async () => {
      // A rollback may have taken prod since; the sweep withdraws only questions that it finds.
      const claim = await claims.read("prod", model);
      const { status } = (await ledger.ofDelivery("prod", model, delivery)) ?? deployment;
      const isOver = status === "ended" || (claim && claim.fence > prodFence);
      return isOver ? "a rollback of prod ended this canary" : undefined;
    });
  };
