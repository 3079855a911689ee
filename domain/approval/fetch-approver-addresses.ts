import type { Approval } from "./approval-records.ts";
import type { ShownAddresses } from "./approvals.ts";
import { fetchSlackEmail } from "./fetch-slack-email.ts";
import type { SlackUsers } from "./fetch-slack-profile.ts";

/**
 * What Slack shows now for those who approved, where neither the vote nor the request knew it: whoever breaks the glass has
 * to be another person. Throws the error of Slack's call.
 */
export const fetchApproverAddresses = async (
  slack: SlackUsers,
  { state, contributors }: Pick<Approval, "state" | "contributors">,
): Promise<ShownAddresses> => {
  const known = new Set(
    [...(contributors?.shown ?? []), ...(contributors?.approvers ?? [])].map(({ user }) => user),
  );
  const unknown = ("decision" in state ? state.decision.by : []).filter(
    ({ user, person }) => person === undefined && !known.has(user),
  );
  return new Map(
    await Promise.all(unknown.map(async ({ user }) => [user, await fetchSlackEmail(slack, user)] as const)),
  );
};
