import * as z from "zod";
import type { AuditRecorder } from "#domain/audit/audit-recorder.ts";
import type { LogWarning } from "#domain/delivery/log-warning.ts";
import type { Outcomes } from "#domain/delivery/outcomes.ts";
import type { DeliveryMessages } from "#domain/message/delivery-messages.ts";
import type { Metrics } from "#platform/metrics/metrics.ts";
import type { Approval, PostponedVote } from "./approval-records.ts";
import type { Approvals } from "./approvals.ts";
import type { BreakGlass } from "./break-glass.ts";
import { countDecision } from "./count-decision.ts";
import { describeBreakGlass } from "./describe-break-glass.ts";
import { describeVoteResult } from "./describe-vote-result.ts";
import { fetchApproverAddresses } from "./fetch-approver-addresses.ts";
import { fetchSlackEmail } from "./fetch-slack-email.ts";
import type { SlackUsers } from "./fetch-slack-profile.ts";
import { findMembership } from "./find-membership.ts";
import type { ReadGroups } from "./group-reader.ts";
import { publishDecision } from "./publish-decision.ts";

/**
 * What remains to do after a click was acknowledged. It contains ids alone and is no authority: votes and decisions are
 * read from the store, so a repeated, late or forged follow-up decides nothing. Strict, so that no event with another
 * field, for example API Gateway's, is taken for one.
 */
export const FollowUp = z.strictObject({
  followUp: z.literal("finish-approval"),
  approval: z.string().min(1).max(2_000),
  /** The user whose click did not count, and the channel in which to say why. */
  explainTo: z
    .strictObject({
      user: z.string().min(1),
      channel: z.string().min(1),
      /** Slack did not open the dialog for a rejection's reason (`dialog`), or another dialog (`click`). */
      about: z.enum(["dialog", "click"]).optional(),
    })
    .nullable(),
});
export type FollowUp = z.infer<typeof FollowUp>;

/** Hands work over to an asynchronous invocation. */
export type StartFollowUp = (followUp: FollowUp) => Promise<void>;

export type FinishApprovalDependencies = {
  readonly approvals: Pick<
    Approvals,
    "read" | "judge" | "dropPostponed" | "judgeBreakGlass" | "dropPostponedGlass" | "check" | "send"
  >;
  readonly messages: Pick<DeliveryMessages, "show" | "posted">;
  readonly audit: Pick<AuditRecorder, "record" | "anchor">;
  readonly outcomes: Pick<Outcomes, "read">;
  readonly slack: SlackUsers & {
    readonly chat: {
      readonly postEphemeral: (note: {
        readonly channel: string;
        readonly user: string;
        readonly text: string;
      }) => Promise<unknown>;
    };
  };
  /** Absent: this world has no user groups. */
  readonly readGroups?: ReadGroups;
  readonly metrics: Pick<Metrics, "count">;
  readonly clock: () => number;
  readonly warn: LogWarning;
};

/**
 * Judges postponed votes and requests to break the glass, sends a decision that the state machine has not received, updates the message, and tells a user
 * why their click did not count. It can stop at any line: a retry or the sweep does the rest. Throws the error of sending,
 * and of a failed lookup after everything else is done.
 */
export const finishApproval =
  (needs: FinishApprovalDependencies) =>
  async ({ approval: id, explainTo }: FollowUp): Promise<void> => {
    const approval = await needs.approvals.read(id);
    const failures: unknown[] = [];
    if (approval) {
      for (const vote of approval.postponed ?? [])
        await judgeVote(needs, approval, vote).catch((error: unknown) => failures.push(error));
      for (const glass of approval.postponedGlass ?? [])
        await judgeGlass(needs, approval, glass).catch((error: unknown) => failures.push(error));
      await publishDecision(needs)(approval);
    }
    if (explainTo) {
      const refusal = await needs.approvals.check(id, { user: explainTo.user, at: needs.clock() });
      if (refusal) await postNote(needs, explainTo, (await describeVoteResult(needs)(refusal)).sentence);
      else if (explainTo.about)
        await postNote(needs, explainTo, explainDialog(id, explainTo.user, explainTo.about));
    }
    // The follow-up of the postponed vote itself retries; a retry of this one would repeat the note.
    if (failures.length > 0 && !explainTo) throw failures[0];
  };

/** Nothing was decided. The second way needs no dialog. */
const explainDialog = (approval: string, user: string, about: "dialog" | "click"): string =>
  about === "click"
    ? `Slack did not open the dialog, and nothing was decided. Click the button again, or use the command line (\`slipway approve ${approval} --as ${user}\`, \`slipway canary\`; \`--help\` lists the options).`
    : `Slack did not open the dialog for the reason, and nothing was decided. Click *Reject…* again, or run \`slipway reject ${approval} --as ${user} --reason "…"\`.`;

const judgeVote = async (needs: FinishApprovalDependencies, approval: Approval, vote: PostponedVote) => {
  const { approvals, metrics, clock } = needs;
  const isOpen = approval.state.status === "pending" && clock() < approval.expiresAt;
  const voter = isOpen ? await lookUp(needs, approval, vote.user) : { email: undefined };
  const result = await approvals.judge(approval.id, vote, { ...voter, at: clock() });
  if (!result) return;
  countDecision(metrics, result);
  const { taken, sentence } = await describeVoteResult(needs)(result);
  if (taken) return;
  await explainRefusal(needs, approval, vote.user, sentence);
  await approvals.dropPostponed(approval.id, vote);
};

const judgeGlass = async (needs: FinishApprovalDependencies, approval: Approval, glass: BreakGlass) => {
  const person = await lookUp(needs, approval, glass.user);
  const result = await needs.approvals.judgeBreakGlass(
    approval.id,
    glass,
    person,
    await fetchApproverAddresses(needs.slack, approval),
  );
  if (!result) return;
  const { taken, sentence } = describeBreakGlass(result);
  if (taken) return;
  await explainRefusal(needs, approval, glass.user, sentence);
  await needs.approvals.dropPostponedGlass(approval.id, glass);
};

/** What Slack says of a person now. */
const lookUp = async (needs: FinishApprovalDependencies, approval: Approval, user: string) => ({
  email: await findAddress(needs, approval, user),
  membership: await findMembership(needs, approval, user),
});

/** Before what does not count is removed: after a crash in between its person gets the note twice, instead of never. */
const explainRefusal = async (
  needs: FinishApprovalDependencies,
  { delivery }: Approval,
  user: string,
  sentence: string,
) => {
  const posted = await needs.messages.posted(delivery);
  if (posted) await postNote(needs, { channel: posted.channel, user }, sentence);
};

/**
 * Undefined: Slack shows none. Throws if Slack does not respond: the vote stays postponed. For an approver whose Slack id is
 * in the platform's map, the address there is enough.
 */
const findAddress = async (
  { slack, warn }: FinishApprovalDependencies,
  { id, contributors }: Approval,
  user: string,
): Promise<string | undefined> => {
  try {
    return await fetchSlackEmail(slack, user);
  } catch (error) {
    warn(`could not read the Slack profile of ${user}`, error, { approval: id });
    if (contributors?.approvers.some((approver) => approver.user === user)) return undefined;
    throw error;
  }
};

/** A failed note changes nothing about the decision. */
const postNote = async (
  { slack, warn }: FinishApprovalDependencies,
  { channel, user }: { readonly channel: string; readonly user: string },
  text: string,
) => {
  try {
    await slack.chat.postEphemeral({ channel, user, text });
  } catch (error) {
    warn("could not show an approver a note in Slack", error);
  }
};
