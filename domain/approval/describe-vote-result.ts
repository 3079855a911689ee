import type { Outcomes } from "#domain/delivery/outcomes.ts";
import type { VoteResult } from "./approvals.ts";
import { describeInconclusive } from "./typed-confirmation.ts";

/** Whether the decision counted, and a sentence for the approver. */
export type DecisionResult = { readonly taken: boolean; readonly sentence: string };

const joinNames = (voters: readonly { readonly name: string }[]) => voters.map(({ name }) => name).join(", ");

/** A vote's result as its voter reads it. A postponed vote is taken, because its voter need not click again. */
export const describeVoteResult =
  ({ outcomes }: { readonly outcomes: Pick<Outcomes, "read"> }) =>
  async (result: VoteResult): Promise<DecisionResult> => {
    const take = (sentence: string): DecisionResult => ({ taken: true, sentence });
    const refuse = (sentence: string): DecisionResult => ({ taken: false, sentence });
    switch (result.result) {
      case "decided":
        return take(`It is ${result.decision.status} by ${joinNames(result.decision.by)}.`);
      case "counted":
        return take(`Your approval is recorded: ${result.votes} of ${result.quorum} required approvals.`);
      case "postponed":
        return take(
          "Your answer is recorded. It counts once Slack confirms your e-mail address, and your user group where the rule names one.",
        );
      case "already":
        return refuse(`This was already ${result.decision.status} by ${joinNames(result.decision.by)}.`);
      case "expired":
      case "withdrawn": {
        const ended = await outcomes.read(result.approval.delivery);
        if (ended) return refuse(`This delivery has ended: ${ended.outcome}.`);
        return refuse(
          result.result === "expired" ? "This approval has expired." : "This approval was withdrawn.",
        );
      }
      case "unconfirmed":
        return refuse(
          `${describeInconclusive(result.confirmation)}: to approve nevertheless, click Approve and type ${result.confirmation.phrase}.`,
        );
      case "refused":
        return refuse(result.why);
      case "unknown":
        return refuse("This approval no longer exists.");
      default:
        return result satisfies never;
    }
  };
