import { deriveApprovalId } from "#domain/approval/approval-records.ts";
import type { NewApproval } from "#domain/approval/approvals.ts";
import { expiryMarginSeconds } from "#domain/approval/expiry-margin-seconds.ts";
import type { FindRejection } from "#domain/approval/find-rejection.ts";
import { ProdBusy, ProdChanged } from "#domain/delivery/errors.ts";
import { loadRules } from "#domain/delivery/read-committed-model.ts";
import { type Comparison, coldStartName } from "#domain/gates/comparison.ts";
import { describeChanges } from "#domain/policy/describe-changes.ts";
import type { AnyApprovalInput } from "#statemachine/canary-contracts.ts";
import type { RequestApprovalInput } from "#statemachine/contracts.ts";
import { openQuestion } from "./open-question.ts";
import { type RequestCanaryApprovalDependencies, requestCanaryApproval } from "./request-canary-approval.ts";

export type RequestApprovalDependencies = RequestCanaryApprovalDependencies & {
  readonly findRejection: FindRejection;
  /** Stage and prod share an account. */
  readonly trial?: boolean;
};

/** A delivery gives up after this many approvals, each for another state of prod. */
const maxApprovals = 5;

/**
 * Requests an approval that is bound to {digest, version, baseline on prod, fence}. The decision reaches the state machine
 * through the task token. A retry, or a restart after an interruption, finds the same approval and any earlier decision.
 * Throws Superseded, QuorumOutOfReach, ProdChanged (the checks were not measured against what prod serves now) and
 * ProdBusy (prod changed too often). The question about an inconclusive canary is in request-canary-approval.ts.
 */
export const requestApproval =
  (dependencies: RequestApprovalDependencies) =>
  (input: AnyApprovalInput): Promise<void> =>
    "prodFence" in input
      ? requestCanaryApproval(dependencies)(input)
      : requestDeploymentApproval(dependencies)(input);

const requestDeploymentApproval =
  ({
    approvals,
    claims,
    ledger,
    messages,
    source,
    policy,
    approversFor,
    findRejection,
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
    const { within: _, ...approval } = rules.approval;
    const { quorum, approvers, contributors } = await approversFor({
      delivery,
      model,
      commit,
      pusher,
      rule: rules.approval,
    });
    const changes = await describeChanges({ source })({
      model,
      commit,
      championCommit: serving?.commit,
      champion,
      challenger,
      rules,
    });
    const rejectedBefore = await findRejection({ model, commit, delivery });
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
      rule: { ...approval, approvers: [...approvers], quorum },
      raisedBy: quorum - rules.approval.quorum,
      evidence: {
        champion: serving ? `version ${serving.version} (${serving.digest.slice(7, 19)})` : null,
        championVersion: serving?.version ?? null,
        changed: [...changes.warnings],
        renewed: [...changes.renewed],
        owner: challenger.owner,
        subject: (await source.commit(commit)).subject,
        links: { commit: await source.linkCommit(commit), diff: changes.diff },
        rollout: serving ? { steps: [...rules.canary.steps], bake: rules.canary.bake } : null,
        checks: [...input.scanChecks, ...input.checks],
        provenance: input.provenance,
        omitted: [...(input.scanOmitted ?? []), ...input.omitted],
        ...(input.comparisons && {
          comparisons: await addColdStart(
            approvals,
            serving && (await ledger.deliveryOf(serving)),
            input.comparisons,
          ),
        }),
        ...(trial && { trial }),
        ...(rejectedBefore && { rejectedBefore }),
      },
      askedAt: now,
      expiresAt: now + (input.timeoutSeconds - expiryMarginSeconds) * 1_000,
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
    await openQuestion({ approvals, messages })(newApproval, input.taskToken, async () => {
      // A later delivery withdraws the approvals that it finds, but may have missed this one.
      const stage = await claims.read("stage", model);
      return stage && stage.fence > fence
        ? `superseded by the later delivery ${stage.holder ?? "that has ended"}`
        : undefined;
    });
  };

/** A version starts cold once: prod's version did in its own delivery, whose approval has the number. */
const addColdStart = async (
  approvals: RequestApprovalDependencies["approvals"],
  championDelivery: string | undefined,
  comparisons: readonly Comparison[],
): Promise<Comparison[]> => {
  const earlier = championDelivery === undefined ? [] : await approvals.ofDelivery(championDelivery);
  const started = earlier
    .flatMap(({ evidence }) => evidence.comparisons ?? [])
    .findLast(({ name }) => name === coldStartName);
  return comparisons.map((row) =>
    row.name === coldStartName ? { ...row, champion: started?.challenger ?? null } : row,
  );
};
