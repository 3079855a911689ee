import type { Approval } from "./approval-records.ts";

export const guestRefusal =
  "You are a guest of this workspace, and only a user group names you: ask another approver, or have the rules name your Slack id.";

/** Why a user who was a guest when the approval was requested decides nothing; undefined: they were none, or the rules name them. */
export const findGuestRefusal = (
  { contributors }: Pick<Approval, "contributors">,
  user: string,
): string | undefined =>
  contributors?.leftOut.some((approver) => approver.user === user && approver.why === "guest")
    ? guestRefusal
    : undefined;
