import * as z from "zod";
import { isUserGroup } from "#model-folder/manifest/manifest.ts";
import { callSlack, type SlackNeeds } from "./call-slack.ts";
import type { DoctorFinding } from "./finding.ts";
import { placeholderApprover } from "./placeholder-approver.ts";

const UsersInfo = z.object({
  user: z.object({
    deleted: z.boolean().default(false),
    is_bot: z.boolean().default(false),
    profile: z.object({ email: z.string().optional() }).default({}),
  }),
});

const GroupUsers = z.object({ users: z.array(z.string()) });

const checkGroup = async (
  needs: SlackNeeds,
  group: string,
  named: string,
): Promise<DoctorFinding | undefined> => {
  const response = await callSlack(needs, "usergroups.users.list", { usergroup: group });
  if (response === undefined) return undefined;
  if (response.error === "missing_scope")
    return {
      status: "missing",
      sentence: `Who is in the user group ${group} ${named} is not known: the app lacks the scope ${response.needed ?? "usergroups:read"}.`,
      remedy: "Add the scope to the Slack app and reinstall it.",
    };
  const { length } = response.ok ? GroupUsers.parse(response).users : [];
  return length === 0
    ? {
        status: "missing",
        sentence: `The user group ${group} ${named} ${response.ok ? "has no members" : "is none of this Slack workspace"}.`,
        remedy: `Write another user group or users ${named} (in Slack: People & user groups, ⋮, Copy group ID).`,
      }
    : { status: "ok", sentence: `The user group ${group} has ${length} member${length === 1 ? "" : "s"}.` };
};

/**
 * Checks that an approver of the policy or of a manifest can approve: a person of the workspace with an e-mail address.
 * @param files those that name the approver
 * https://docs.slack.dev/reference/methods/users.info
 */
export const checkApprover = async (
  needs: SlackNeeds | undefined,
  {
    user,
    files,
    isOnDesk = false,
  }: {
    readonly user: string;
    readonly files: readonly string[];
    /** On the rehearsal's desk the example is a person. */
    readonly isOnDesk?: boolean;
  },
): Promise<DoctorFinding | undefined> => {
  const named = `in ${files.join(", ")}`;
  const change = `Write another approver's member id ${named} (in Slack: the profile, ⋮, Copy member ID).`;
  if (user === placeholderApprover && !isOnDesk)
    return {
      status: "missing",
      sentence: `${user} ${named} is the example that Slipway ships, not a person: nobody could approve.`,
      remedy: `Write the Slack member ids of your approvers ${named} (in Slack: the profile, ⋮, Copy member ID), or answer the questions of \`slipway init aws\`, which does it.`,
    };
  if (needs === undefined) return undefined;
  if (isUserGroup(user)) return checkGroup(needs, user, named);
  const response = await callSlack(needs, "users.info", { user });
  if (response === undefined) return undefined;
  const missing = (what: string, remedy: string): DoctorFinding => ({
    status: "missing",
    sentence: `The approver ${user} ${named} ${what}.`,
    remedy,
  });
  switch (response.ok ? "ok" : response.error) {
    case "ok":
      break;
    case "user_not_found":
    case "user_not_visible":
      return missing("is nobody in this Slack workspace", change);
    case "missing_scope":
      return {
        status: "warning",
        sentence: `Whether the approver ${user} exists is not known: the app lacks the scope ${response.needed ?? "users:read"}.`,
        remedy: "Add the scope to the Slack app and reinstall it.",
      };
    default:
      return missing(
        `could not be looked up: ${(response.error ?? "").slice(0, 60)}`,
        "Run the doctor again.",
      );
  }
  const { deleted, is_bot, profile } = UsersInfo.parse(response).user;
  if (deleted) return missing("is deactivated in Slack", change);
  if (is_bot) return missing("is an app, not a person", change);
  if (profile.email === undefined || profile.email === "")
    return missing(
      "has no e-mail address that the app may read, so the approval would not count",
      "Add the scope users:read.email to the app and reinstall it; or list the Slack id under identities.people of the platform's policy (docs/approval.md).",
    );
  return { status: "ok", sentence: `The approver ${user} is a person with an e-mail address.` };
};
