import type { Approval } from "./approval-records.ts";
import { expandApprovers, needsMembership } from "./approver-lists.ts";
import { fetchSlackProfile, type SlackUsers } from "./fetch-slack-profile.ts";
import type { ReadGroups } from "./group-reader.ts";

/** What an approver whom only a user group names is now. A guest's account, or one of another organisation, is no member. */
export type Membership = "member" | "no member" | "guest";

/**
 * Whether a user is in the rule's groups now. Undefined: nobody has to know, because the rule names the user, or this world
 * reads no groups. Throws what `readGroups` and Slack's call throw.
 */
export const findMembership = async (
  { readGroups, slack }: { readonly readGroups?: ReadGroups | undefined; readonly slack: SlackUsers },
  { contributors }: Pick<Approval, "contributors">,
  user: string,
): Promise<Membership | undefined> => {
  const lists = contributors?.groups?.lists;
  if (!lists || !readGroups || !needsMembership(lists, user)) return undefined;
  if (!expandApprovers(lists, await readGroups(lists)).includes(user)) return "no member";
  return (await fetchSlackProfile(slack, user)).isGuest ? "guest" : "member";
};
