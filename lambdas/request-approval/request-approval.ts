import { deriveApprovalId } from "#domain/approval/approval-records.ts";
import type { Approvals, NewApproval } from "#domain/approval/approvals.ts";
import type { ResolveApprovers } from "#domain/approval/resolve-approvers.ts";
import type { Claims } from "#domain/claims/claims.ts";
import { ProdBusy, ProdChanged, Superseded } from "#domain/delivery/errors.ts";
import { loadRules } from "#domain/delivery/read-committed-model.ts";
import type { Ledger } from "#domain/ledger/ledger.ts";
import type { DeliveryMessages } from "#domain/message/delivery-messages.ts";
import { describeChanges } from "#domain/policy/describe-changes.ts";
import type { PlatformPolicy } from "#domain/policy/platform-policy.ts";
import type { Source } from "#platform/source/source.ts";
import type { RequestApprovalInput } from "#statemachine/contracts.ts";

export type RequestApprovalDependencies = {
  readonly approvals: Approvals;
  readonly claims: Claims;
  readonly ledger: Ledger;
  readonly messages: DeliveryMessages;
  readonly source: Source;
  readonly policy: Pick<PlatformPolicy, "read">;
  readonly approversFor: ResolveApprovers;
  readonly clock: () => number;
  /** Stage and prod share an account. */
  readonly trial?: boolean;
};

/** The approval expires before its task times out, so that no vote counts without a task. */
const expiryMarginMs = 60_000;

/** A delivery gives up after this many approvals, each for another state of prod. */
const maxApprovals = 5;

/**
 * Requests an approval that is bound to {digest, version, baseline on prod, fence}. The decision reaches the state machine
 * through the task token. A retry, or a restart after an interruption, finds the same approval and any earlier decision.
 * Throws Superseded, QuorumOutOfReach, ProdChanged (the checks were not measured against what prod serves now) and
 * ProdBusy (prod changed too often).
 */
export const requestApproval =
  ({
    approvals,
    claims,
    ledger,
    messages,
    source,
    policy,
    approversFor,
    clock,
    trial = false,
  }: RequestApprovalDependencies) =>
  async (input: RequestApprovalInput): Promise<void> => {
    const { delivery, model, commit, digest, version, fence, author, pusher } = input;
    const serving = await ledger.serving("prod", model);
    const baseline = serving?.sequence ?? 0;
    const { challenger, champion, rules } = await loadRules({ source, policy })(
      model,
      commit,
      serving?.commit,
    );
    const { quorum, contributors } = await approversFor({
      delivery,
      model,
      commit,
      pusher,
      rule: rules.approval,
    });
    const now = clock();
    const newApproval: NewApproval = {
      delivery,
      model,
      commit,
      digest,
      version,
      baseline: input.baseline,
      fence,
      author,
      pusher,
      contributors,
      rule: { ...rules.approval, quorum },
      raisedBy: quorum - rules.approval.quorum,
      evidence: {
        champion: serving ? `version ${serving.version} (${serving.digest.slice(7, 19)})` : null,
        changed: [
          ...(await describeChanges({ source })({
            model,
            commit,
            championCommit: serving?.commit,
            champion,
            challenger,
            rules,
          })),
        ],
        checks: [...input.scanChecks, ...input.checks],
        provenance: input.provenance,
        omitted: input.omitted,
        ...(trial && { trial }),
      },
      askedAt: now,
      expiresAt: now + input.timeoutSeconds * 1_000 - expiryMarginMs,
    };
    // Before the first write: after a crash the sweep shows the message.
    await messages.expect(delivery);
    const before = (await approvals.note(newApproval)).filter((id) => id !== deriveApprovalId(newApproval));
    if (before.length >= maxApprovals)
      throw new ProdBusy(`prod of ${model} changed ${before.length} times during ${delivery}`);
    // Earlier approvals are about another state of prod, and no task waits for them.
    for (const id of before) await approvals.close(id, "prod changed, and a new approval was requested");
    if (baseline !== input.baseline)
      throw new ProdChanged(`prod of ${model} changed after ${delivery} was measured against it`);
    const approval = await approvals.ask(newApproval, input.taskToken);
    // A later delivery withdraws the approvals that it finds, but may have missed this one.
    const stage = await claims.read("stage", model);
    if (stage && stage.fence > fence) {
      const cause = `superseded by the later delivery ${stage.holder ?? "that has ended"}`;
      await approvals.close(approval.id, cause);
      await messages.show(delivery);
      throw new Superseded(cause);
    }
    await messages.show(delivery);
    if (approval.state.status === "withdrawn") throw new Superseded(approval.state.why);
    // Decided before an interruption: this task gets the same decision.
    if (approval.state.status === "decided") await approvals.send(approval.id);
  };
