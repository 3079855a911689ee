import type { Approval } from "./approval-records.ts";
import { findPerson } from "./compute-quorum.ts";
import type { Identities } from "./identities.ts";

/**
 * The person behind a Slack account: the one who lists its id in the platform's map, as when the approval was requested or
 * now; otherwise the one who lists its address, or the address itself. Two accounts with one person count once.
 * Undefined: neither is known.
 * @param email as Slack or AWS shows it; undefined: unknown
 */
export const identifyVoter = (
  identities: Identities,
  { contributors }: Pick<Approval, "contributors">,
  { user, email }: { readonly user: string; readonly email: string | undefined },
): string | undefined =>
  contributors?.approvers.find((approver) => approver.user === user)?.email ??
  Object.entries(identities.people).find(([, { slack }]) => slack === user)?.[0] ??
  (email === undefined ? undefined : findPerson(identities, email));
