import type { LogWarning } from "#domain/delivery/log-warning.ts";
import type { Outcomes } from "#domain/delivery/outcomes.ts";
import type { DeliveryMessages } from "#domain/message/delivery-messages.ts";
import type { Metrics } from "#platform/metrics/metrics.ts";
import type { Approvals, VoteResult } from "./approvals.ts";
import type { ApprovalDecision } from "./decision.ts";
import { fetchSlackEmail, type SlackUsers } from "./fetch-slack-email.ts";

export type SubmitDecisionDependencies = {
  readonly approvals: Pick<Approvals, "check" | "vote" | "send">;
  readonly messages: Pick<DeliveryMessages, "show">;
  readonly outcomes: Pick<Outcomes, "read">;
  readonly slack: SlackUsers;
  readonly metrics: Pick<Metrics, "count">;
  readonly clock: () => number;
  readonly warn: LogWarning;
};

type Approver = {
  /** Slack user id. */
  readonly id: string;
  readonly name?: string | undefined;
  /** Set where AWS, not Slack, knows who it is: the command line. */
  readonly email?: string | undefined;
};

export type SubmittedDecision = {
  readonly approval: string;
  readonly approver: Approver;
  readonly verdict: ApprovalDecision["status"];
  /** As `parseRejectionReason` returns it; null for an approval. */
  readonly reason: string | null;
};

/** Whether the decision counted, and a sentence for the approver. */
export type DecisionResult = { readonly taken: boolean; readonly sentence: string };

/**
 * Counts one approver's decision, sends it to the state machine once the quorum is reached, and updates the message.
 * The decision is stored before it is sent, so a crash between the two loses nothing: the next click sends it.
 */
export const submitDecision =
  (dependencies: SubmitDecisionDependencies) =>
  async ({ approval, approver, verdict, reason }: SubmittedDecision): Promise<DecisionResult> => {
    const { id: user, name = user } = approver;
    const result = await dependencies.approvals.vote(approval, {
      user,
      name,
      email: approver.email ?? (await findSlackEmail(dependencies, user, approval)),
      verdict,
      reason,
      at: dependencies.clock(),
    });
    return applyVoteResult(dependencies, result);
  };

/**
 * Why a decision of this Slack user would not count; undefined: it would. Slack's dialog has to open within three
 * seconds, so the user's address is looked up only if the rule needs it.
 */
export const findDecisionRefusal =
  (dependencies: SubmitDecisionDependencies) =>
  async (approval: string, user: string): Promise<DecisionResult | undefined> => {
    const result = await dependencies.approvals.check(approval, {
      user,
      email: () => findSlackEmail(dependencies, user, approval),
      at: dependencies.clock(),
    });
    return result && applyVoteResult(dependencies, result);
  };

const joinNames = (voters: readonly { readonly name: string }[]) => voters.map(({ name }) => name).join(", ");

const applyVoteResult = async (
  { approvals, messages, outcomes, metrics }: SubmitDecisionDependencies,
  result: VoteResult,
): Promise<DecisionResult> => {
  const refuse = (sentence: string): DecisionResult => ({ taken: false, sentence });
  switch (result.result) {
    case "decided":
    case "already": {
      const { decision, approval } = result;
      const names = joinNames(decision.by);
      if (result.result === "decided") {
        const dimensions = { model: approval.model, decision: decision.status };
        metrics.count({ name: "Approvals", value: 1, unit: "Count", dimensions });
      }
      try {
        // Also for an earlier decision: a crash may have kept it from being sent.
        await approvals.send(approval.id);
      } finally {
        // The decision holds even where the state machine could not be reached.
        await messages.show(approval.delivery);
      }
      return result.result === "decided"
        ? { taken: true, sentence: `It is ${decision.status} by ${names}.` }
        : refuse(`This was already ${decision.status} by ${names}.`);
    }
    case "counted":
      await messages.show(result.approval.delivery);
      return {
        taken: true,
        sentence: `Your approval is recorded: ${result.votes} of ${result.quorum} required approvals.`,
      };
    case "expired":
    case "withdrawn": {
      const ended = await outcomes.read(result.approval.delivery);
      await messages.show(result.approval.delivery);
      if (ended) return refuse(`This delivery has ended: ${ended.outcome}.`);
      return refuse(
        result.result === "expired" ? "This approval has expired." : "This approval was withdrawn.",
      );
    }
    case "refused":
      return refuse(result.why);
    case "unknown":
      return refuse("This approval no longer exists.");
    default:
      return result satisfies never;
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
