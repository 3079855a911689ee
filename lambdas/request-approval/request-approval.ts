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

type RequestApprovalDependencies = {
  readonly approvals: Approvals;
  readonly claims: Claims;
  readonly ledger: Ledger;
  readonly messages: DeliveryMessages;
  readonly source: Source;
  readonly policy: Pick<PlatformPolicy, "read">;
  readonly approversFor: ResolveApprovers;
  readonly clock: () => number;
};

/** The question ends this long before the task that waits for it, so that no vote falls between the two. */
const expiryMarginMs = 60_000;

/** How often a delivery asks, or measures anew because prod changed, before it gives up. */
const maxQuestions = 5;

/**
 * Puts the question to the approvers, bound to {digest, version, prod baseline, fence}; the answer reaches the
 * state machine through the task token. A retry, or a state machine that comes back after an interruption, asks
 * under the same approval and hears a decision that was already made. Throws Superseded, QuorumOutOfReach; ProdChanged
 * where prod is not what the checks were measured against, ProdBusy where that went on too often.
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
    const question: NewApproval = {
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
      },
      askedAt: now,
      expiresAt: now + input.timeoutSeconds * 1_000 - expiryMarginMs,
    };
    // Before the first fact: whoever dies after it leaves the message to the sweep.
    await messages.expect(delivery);
    const before = (await approvals.note(question)).filter((id) => id !== deriveApprovalId(question));
    if (before.length >= maxQuestions)
      throw new ProdBusy(
        `prod of ${model} changed ${before.length} times while ${delivery} was measured or asked`,
      );
    // Who answered them answered about another prod: nobody waits for it any more.
    for (const id of before) await approvals.close(id, "prod changed, and this was asked again");
    if (baseline !== input.baseline)
      throw new ProdChanged(`prod of ${model} changed after ${delivery} was measured against what it served`);
    const approval = await approvals.ask(question, input.taskToken);
    // A newer delivery withdraws the questions that it finds; one asked just now may have escaped it.
    const stage = await claims.read("stage", model);
    if (stage && stage.fence > fence) {
      const cause = `superseded by the later delivery ${stage.holder ?? "that has ended"}`;
      await approvals.close(approval.id, cause);
      await messages.show(delivery);
      throw new Superseded(cause);
    }
    await messages.show(delivery);
    if (approval.state.status === "withdrawn") throw new Superseded(approval.state.why);
    // Decided before an interruption: this task has to hear the same.
    if (approval.state.status === "decided") await approvals.send(approval.id);
  };
