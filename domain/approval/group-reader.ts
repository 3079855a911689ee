import * as z from "zod";
import { PermissionMissing } from "#platform/errors/call-aws.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { type GroupMembers, listGroups } from "./approver-lists.ts";

const UsersListResponse = z.object({ users: z.array(z.string()) });
const PlatformError = z.object({ data: z.object({ error: z.string() }) });

export type SlackGroups = {
  readonly usergroups: {
    readonly users: { readonly list: (options: { usergroup: string }) => Promise<unknown> };
  };
};

/** How long a response of Slack counts: one decision asks more than once. */
const lifetimeMs = 30_000;

/**
 * Members of Slack's user groups; a group that does not exist or is disabled has none. Throws PermissionMissing where a
 * person has to do something first, and TemporaryFault where Slack does not respond: without an answer nobody is a member.
 * https://docs.slack.dev/reference/methods/usergroups.users.list
 */
export const createGroupReader = ({
  slack,
  clock,
}: {
  readonly slack: SlackGroups;
  readonly clock: () => number;
}) => {
  const known = new Map<string, { readonly users: readonly string[]; readonly at: number }>();
  const fetchUsers = async (group: string): Promise<readonly string[]> => {
    try {
      return UsersListResponse.parse(await slack.usergroups.users.list({ usergroup: group })).users;
    } catch (error) {
      const refusal = PlatformError.safeParse(error).data?.data.error;
      if (refusal === "no_such_subteam" || refusal === "subteam_not_found") return [];
      const remedy = findRemedy(refusal);
      if (remedy !== undefined)
        throw new PermissionMissing(`Slack's app may not read the user group ${group}: ${remedy}`);
      throw new TemporaryFault(
        `Slack did not say who is in the user group ${group}${refusal === undefined ? "" : ` (${refusal.slice(0, 60)})`}`,
        { cause: error },
      );
    }
  };
  return async (lists: readonly (readonly string[])[]): Promise<GroupMembers> => {
    const members = new Map<string, readonly string[]>();
    for (const group of listGroups(lists)) {
      const cached = known.get(group);
      const isFresh = cached !== undefined && clock() - cached.at < lifetimeMs && clock() >= cached.at;
      const entry = isFresh ? cached : { users: await fetchUsers(group), at: clock() };
      known.set(group, entry);
      members.set(group, entry.users);
    }
    return members;
  };
};
/** What a person has to do before Slack says who is in a group; undefined: it is worth another try. */
const findRemedy = (refusal: string | undefined): string | undefined => {
  switch (refusal) {
    case "missing_scope":
      return "add the scope usergroups:read to the app, reinstall it, and keep its new token.";
    case "plan_upgrade_required":
      return "this workspace's plan has no user groups. Name users instead.";
    case "invalid_auth":
    case "not_authed":
    case "account_inactive":
    case "token_revoked":
    case "token_expired":
      return "Slack refuses its token. Install the app in the workspace, and set SLACK_BOT_TOKEN to its bot token (xoxb-…).";
    default:
      return undefined;
  }
};
export type ReadGroups = ReturnType<typeof createGroupReader>;
