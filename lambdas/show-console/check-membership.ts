import * as z from "zod";

/** The parts of Slack's Web API that say who belongs to a workspace and to a user group. */
export type SlackDirectory = {
  readonly usergroups: {
    readonly users: {
      readonly list: (options: { usergroup: string; include_disabled: boolean }) => Promise<unknown>;
    };
  };
  readonly users: { readonly info: (options: { user: string }) => Promise<unknown> };
};

/** https://docs.slack.dev/reference/methods/usergroups.users.list */
const GroupResponse = z.object({ users: z.array(z.string()) });
/** https://docs.slack.dev/reference/objects/user-object */
const UserResponse = z.object({
  user: z.object({
    id: z.string(),
    team_id: z.string().optional(),
    deleted: z.boolean().default(false),
    is_bot: z.boolean().default(false),
    is_restricted: z.boolean().default(false),
    is_ultra_restricted: z.boolean().default(false),
    is_stranger: z.boolean().default(false),
    /** In an organization with several workspaces, `team_id` is the user's home and these are all of them. */
    enterprise_user: z.object({ teams: z.array(z.string()).default([]) }).optional(),
    real_name: z.string().optional(),
    name: z.string().optional(),
  }),
});
/** How @slack/web-api reports a refusal of Slack. */
const SlackRefusal = z.object({ data: z.object({ error: z.string() }) });

export type Membership =
  | { readonly status: "member"; readonly name: string }
  | { readonly status: "refused"; readonly reason: "not-in-group" | "guest" | "deactivated" }
  /** Slack refuses to answer until an operator changes a setting; `error` is Slack's name for why. */
  | { readonly status: "misconfigured"; readonly error: string }
  | { readonly status: "unknown"; readonly cause: unknown };

/** Slack's answers that the same question gets again a minute later. */
const settingErrors = new Set([
  "no_such_subteam",
  "subteam_disabled",
  "plan_upgrade_required",
  "missing_scope",
  "not_allowed_token_type",
  "invalid_auth",
  "account_inactive",
  "token_revoked",
  "no_permission",
  "org_login_required",
  "access_denied",
]);

const describeFailure = (cause: unknown): Membership => {
  const error = SlackRefusal.safeParse(cause).data?.data.error;
  // Slack knows no such user, or does not show that user to this app: for us, that user does not exist.
  if (error === "user_not_found" || error === "user_not_visible")
    return { status: "refused", reason: "deactivated" };
  return error !== undefined && settingErrors.has(error)
    ? { status: "misconfigured", error }
    : { status: "unknown", cause };
};

/**
 * Whether a user may read the console now: a full member of this workspace, in the user group. Guests may not, even in
 * the group. Never throws: what Slack does not say is `unknown`.
 */
export const checkMembership =
  ({
    slack,
    teamId,
    userGroup,
  }: {
    readonly slack: SlackDirectory;
    readonly teamId: string;
    readonly userGroup: string;
  }) =>
  async (user: string): Promise<Membership> => {
    try {
      const [group, info] = await Promise.all([
        slack.usergroups.users.list({ usergroup: userGroup, include_disabled: false }),
        slack.users.info({ user }),
      ]);
      const { user: found } = UserResponse.parse(info);
      const { users } = GroupResponse.parse(group);
      if (found.id !== user) throw new Error("Slack answered for another user than the one asked for");
      if (found.deleted || found.is_bot) return { status: "refused", reason: "deactivated" };
      const teams = [found.team_id ?? teamId, ...(found.enterprise_user?.teams ?? [])];
      const isForeign = found.is_stranger || !teams.includes(teamId);
      if (found.is_restricted || found.is_ultra_restricted || isForeign)
        return { status: "refused", reason: "guest" };
      if (!users.includes(user)) return { status: "refused", reason: "not-in-group" };
      return { status: "member", name: (found.real_name || found.name || user).slice(0, 80) };
    } catch (cause) {
      return describeFailure(cause);
    }
  };
