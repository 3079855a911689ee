import type { Membership } from "./check-membership.ts";
import type { Message } from "./message-page.ts";

type Refusal = Exclude<Membership, { status: "member" }>;

const remedies = new Map([
  [
    "no_such_subteam",
    "Slack has no user group with the id that is configured: an operator corrects console.userGroup in terraform/config.ts and applies it.",
  ],
  [
    "subteam_disabled",
    "The user group that is configured is disabled in Slack: an operator enables it, or configures another one as console.userGroup in terraform/config.ts.",
  ],
  [
    "plan_upgrade_required",
    "This workspace has no user groups: Slack has them from its Pro plan on. An operator removes console from terraform/config.ts.",
  ],
  [
    "missing_scope",
    "Slack's app lacks the scope usergroups:read or users:read: an operator adds it (docs/slack-app.yaml) and installs the app again.",
  ],
]);

const reasons = {
  "not-in-group":
    "You are signed in to Slack, but you are not a member of the user group that may read this console. Ask an administrator of Slack to add you, then try again.",
  guest:
    "You are signed in to Slack as a guest, and guests may not read this console. Ask a member for what you need.",
  deactivated:
    "Slack says that this account is not an active person's in this workspace. Sign in with another account.",
} as const;

/** The message to someone who may not read the console, or of whom Slack does not say it. */
export const describeRefusal = (membership: Refusal, retryPath: string): Message => {
  switch (membership.status) {
    case "refused":
      return {
        status: 403,
        title: "No access",
        text: reasons[membership.reason],
        link: { text: "Sign in again", path: retryPath },
      };
    case "misconfigured":
      return {
        status: 503,
        title: "The console cannot check who may read it",
        text:
          remedies.get(membership.error) ??
          `Slack refuses the app's token (${membership.error}): an operator installs the app again and sets SLACK_BOT_TOKEN (docs/infrastructure.md).`,
        link: { text: "Try again", path: retryPath },
      };
    case "unknown":
      return {
        status: 503,
        title: "Slack does not answer",
        text: "The console asks Slack each hour whether you may still read it, and got no usable answer. Your session is kept: try again in a minute. slipway status shows deliveries without Slack.",
        link: { text: "Try again", path: retryPath },
      };
    default:
      return membership satisfies never;
  }
};
