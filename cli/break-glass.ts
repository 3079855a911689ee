import { pickOrigin } from "#domain/approval/answer-origin.ts";
import { describeBreakGlass } from "#domain/approval/describe-break-glass.ts";
import type { DecisionResult } from "#domain/approval/describe-vote-result.ts";
import { fetchApproverAddresses } from "#domain/approval/fetch-approver-addresses.ts";
import { fetchSlackEmail } from "#domain/approval/fetch-slack-email.ts";
import type { SlackUsers } from "#domain/approval/fetch-slack-profile.ts";
import { findMembership, type Membership } from "#domain/approval/find-membership.ts";
import type { CommandWorld, Voter } from "./command-world.ts";
import { UsageMistake } from "./errors.ts";

/** The approval of a delivery that a closed prod holds, by a model, a delivery or an approval's id. */
const findHeldApproval = async (
  { approvals, claims }: Pick<CommandWorld, "approvals" | "claims">,
  named: string,
): Promise<string> => {
  if (named.includes("~")) return named;
  const holder = (await claims.read("stage", named))?.holder ?? named;
  const approved = (await approvals.ofDelivery(holder)).findLast(
    ({ canary, state }) => canary === null && "decision" in state,
  );
  if (!approved) throw new UsageMistake(`${named} has no delivery that waits for prod.`);
  return approved.id;
};

/** Undefined where Slack is down, too: then the request waits. */
const findMember = async (
  {
    approvals,
    readGroups,
    slack,
    warn,
  }: Pick<CommandWorld, "approvals" | "readGroups" | "warn"> & { readonly slack: SlackUsers },
  id: string,
  user: string,
): Promise<Membership | undefined> => {
  const approval = await approvals.read(id);
  try {
    return approval && (await findMembership({ readGroups, slack }, approval, user));
  } catch (error) {
    warn(`could not read the user groups of ${user}`, error);
    return undefined;
  }
};

/**
 * Lets an approved delivery change prod although prod is closed, as one more approver. Slack may be down: then the address
 * that it showed when the approval was requested counts, and an approver whom only a user group names waits for Slack.
 */
export const breakGlass = async (
  world: Pick<
    CommandWorld,
    "approvals" | "audit" | "claims" | "readGroups" | "messages" | "clock" | "warn"
  > & {
    readonly slack: SlackUsers;
  },
  { named, voter, reason }: { readonly named: string; readonly voter: Voter; readonly reason: string },
): Promise<DecisionResult & { readonly id: string }> => {
  const id = await findHeldApproval(world, named);
  const { id: user, name = user } = voter;
  const email = voter.email ?? (await fetchSlackEmail(world.slack, user).catch(() => null));
  const approval = await world.approvals.read(id);
  // Without Slack the request waits, unless everybody's person is known.
  const approvers = approval && (await fetchApproverAddresses(world.slack, approval).catch(() => undefined));
  const result = await world.approvals.breakGlass(id, {
    ...(approvers && { approvers }),
    ...{ user, name, reason },
    ...pickOrigin(voter),
    address: email === null ? "as requested" : { email, membership: await findMember(world, id, user) },
    at: world.clock(),
  });
  if ("approval" in result) {
    await world.audit.record(result.approval.delivery);
    await world.messages.show(result.approval.delivery);
    await world.audit.anchor(result.approval.model);
  }
  return { ...describeBreakGlass(result), id };
};
