import { answeredQuestion } from "../../domain/answered-question.ts";
import type { ApproversFor } from "../../domain/approval/approvers-for.ts";
import type { Approvals } from "../../domain/approvals.ts";
import type { Claims } from "../../domain/claims.ts";
import { judgedBy } from "../../domain/committed-model.ts";
import { Superseded } from "../../domain/faults.ts";
import type { Ledger } from "../../domain/ledger.ts";
import type { Messages, MessageView } from "../../domain/messages.ts";
import { describeChanges } from "../../domain/policy/describe-changes.ts";
import type { PlatformPolicy } from "../../domain/policy/platform-policy.ts";
import type { Source } from "../../platform/source/source.ts";
import { RequestApprovalInput } from "../../statemachine/contracts.ts";

export type Needs = {
  readonly approvals: Approvals;
  readonly claims: Claims;
  readonly ledger: Ledger;
  readonly messages: Messages;
  readonly source: Source;
  readonly policy: Pick<PlatformPolicy, "read">;
  readonly approversFor: ApproversFor;
  readonly clock: () => number;
};

/** The question ends this long before the task that waits for it, so that no vote falls between the two. */
const marginMs = 60_000;

/**
 * Puts the question to the approvers, bound to {digest, version, prod baseline, fence}; the answer reaches the
 * state machine through the task token. A retry, or a state machine that comes back after an interruption, asks
 * under the same approval and hears a decision that was already made. Throws Superseded, QuorumOutOfReach.
 */
export const requestApproval =
  ({ approvals, claims, ledger, messages, source, policy, approversFor, clock }: Needs) =>
  async (event: unknown): Promise<void> => {
    const input = RequestApprovalInput.parse(event);
    const { delivery, model, commit, digest, version, fence, author, pusher } = input;
    const serving = await ledger.serving("prod", model);
    const { challenger, champion, rules } = await judgedBy({ source, policy })(
      model,
      commit,
      serving?.commit,
    );
    const { quorum, contributors } = await approversFor({ model, commit, pusher, rule: rules.approval });
    const now = clock();
    const approval = await approvals.ask(
      {
        delivery,
        model,
        commit,
        digest,
        version,
        baseline: serving?.sequence ?? 0,
        fence,
        author,
        pusher,
        contributors,
        rule: { ...rules.approval, quorum },
        askedAt: now,
        expiresAt: now + input.timeoutSeconds * 1_000 - marginMs,
      },
      input.taskToken,
    );
    // A newer delivery withdraws the questions that it finds; one asked just now may have escaped it.
    const stage = await claims.read("stage", model);
    if (stage && stage.fence > fence) {
      const cause = `superseded by the later delivery ${stage.holder ?? "that has ended"}`;
      await approvals.close(approval.id, cause);
      throw new Superseded(cause);
    }
    if (approval.state.status === "withdrawn") throw new Superseded(approval.state.why);
    if (approval.state.status === "decided") {
      // Decided before an interruption: whoever decided may not have come to tell the message.
      const question = answeredQuestion(approval.state.decision);
      await messages.change(delivery, (view) => ({ ...view, question }));
      await approvals.send(approval.id);
      return;
    }
    const view: MessageView = {
      delivery,
      model,
      commit,
      author: author.name,
      version,
      digest,
      provenance: input.provenance,
      baseline: serving ? `version ${serving.version} (${serving.digest.slice(7, 19)})` : null,
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
      omitted: [
        ...input.omitted,
        ...contributors.unmapped.map(({ identity, why }) => ({
          name: `who ${identity} is`,
          why: `${why}: one more approval is needed`,
        })),
      ],
      question: {
        status: "open",
        approval: approval.id,
        expiresAt: approval.expiresAt,
        votes: approval.state.status === "pending" ? approval.state.votes.length : 0,
        quorum: approval.rule.quorum,
        approvers: rules.approval.approvers,
      },
      progress: null,
      outcome: null,
      error: null,
    };
    await messages.put(view, () => view);
  };
