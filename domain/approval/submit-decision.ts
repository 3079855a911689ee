import type { LogWarning } from "#domain/delivery/log-warning.ts";
import type { Outcomes } from "#domain/delivery/outcomes.ts";
import type { Metrics } from "#platform/metrics/metrics.ts";
import { type AnswerOrigin, pickOrigin } from "./answer-origin.ts";
import type { Approvals } from "./approvals.ts";
import { countDecision } from "./count-decision.ts";
import type { ApprovalDecision } from "./decision.ts";
import { type DecisionResult, describeVoteResult } from "./describe-vote-result.ts";
import { fetchSlackEmail } from "./fetch-slack-email.ts";
import type { SlackUsers } from "./fetch-slack-profile.ts";
import { findMembership, type Membership } from "./find-membership.ts";
import type { ReadGroups } from "./group-reader.ts";
import { type PublishDecisionDependencies, publishDecision } from "./publish-decision.ts";

export type SubmitDecisionDependencies = PublishDecisionDependencies & {
  readonly approvals: Pick<Approvals, "vote" | "send" | "read">;
  /** Absent: this world has no user groups. */
  readonly readGroups?: ReadGroups;
  readonly outcomes: Pick<Outcomes, "read">;
  readonly slack: SlackUsers;
  readonly metrics: Pick<Metrics, "count">;
  readonly clock: () => number;
  readonly warn: LogWarning;
};

type Approver = AnswerOrigin & {
  /** Slack user id. */
  readonly id: string;
  readonly name?: string | undefined;
  /** Set where AWS, not Slack, knows who it is. */
  readonly email?: string | undefined;
};

export type SubmittedDecision = {
  readonly approval: string;
  readonly approver: Approver;
  readonly verdict: ApprovalDecision["status"];
  /** As `parseRejectionReason` returns it; null for an approval. */
  readonly reason: string | null;
  /** What the approver typed because checks are inconclusive. */
  readonly confirmation?: string | undefined;
};

/**
 * Counts a decision from the command line or a page, sends it to the state machine once the quorum is reached, and updates the
 * message. The decision is stored before it is sent, so a crash between the two loses nothing: the next click sends it.
 */
export const submitDecision =
  (dependencies: SubmitDecisionDependencies) =>
  async ({
    approval,
    approver,
    verdict,
    reason,
    confirmation,
  }: SubmittedDecision): Promise<DecisionResult> => {
    const { id: user, name = user } = approver;
    const result = await dependencies.approvals.vote(approval, {
      user,
      name,
      email: approver.email ?? (await findSlackEmail(dependencies, user, approval)),
      membership: await findMember(dependencies, user, approval),
      verdict,
      reason,
      confirmation,
      at: dependencies.clock(),
      ...pickOrigin(approver),
    });
    countDecision(dependencies.metrics, result);
    // Also for an earlier decision: a crash may have kept it from being sent.
    if ("approval" in result) await publishDecision(dependencies)(result.approval);
    return describeVoteResult(dependencies)(result);
  };

/** Undefined where Slack is down, too: then the vote waits. */
const findMember = async (
  {
    approvals,
    readGroups,
    slack,
    warn,
  }: Pick<SubmitDecisionDependencies, "approvals" | "readGroups" | "slack" | "warn">,
  user: string,
  id: string,
): Promise<Membership | undefined> => {
  const approval = await approvals.read(id);
  if (!approval) return undefined;
  try {
    return await findMembership({ readGroups, slack }, approval, user);
  } catch (error) {
    warn(`could not read the user groups of ${user}`, error, { approval: id });
    return undefined;
  }
};

/** Undefined where Slack is down or shows no address: the vote then follows the rule for unknown addresses. */
const findSlackEmail = async (
  { slack, warn }: Pick<SubmitDecisionDependencies, "slack" | "warn">,
  user: string,
  approval: string,
): Promise<string | undefined> => {
  try {
    return await fetchSlackEmail(slack, user);
  } catch (error) {
    warn(`could not read the Slack profile of ${user}`, error, { approval });
    return undefined;
  }
};
