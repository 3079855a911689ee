import type { ApprovalRule } from "../../inference/manifest/manifest.ts";
import { canonicalEmail } from "./canonical-email.ts";
import type { Contributors } from "./contributors.ts";
import type { Identities } from "./identities.ts";

/** More approvals are needed than there are approvers who did not make the change. */
export class QuorumOutOfReach extends Error {
  override readonly name = "QuorumOutOfReach";
}

/** An approver's address; `unknown`: Slack did not answer, so it may be known at the vote. */
export type ApproverEmail = { readonly user: string; readonly email: string | undefined | "unknown" };

/** The person whom an address belongs to by the platform's map; the address itself where no person lists it. */
export const personOf = (identities: Identities, text: string): string | undefined => {
  const email = canonicalEmail(text);
  if (email === undefined) return undefined;
  return Object.entries(identities.people).find(([, { emails }]) => emails.includes(email))?.[0] ?? email;
};

/**
 * How many approvals a change needs: the rule's quorum, and one more for each contributor who is mapped to nobody. Throws
 * QuorumOutOfReach where the approvers who are no contributors are fewer.
 */
export const assessApprovers = ({
  rule,
  contributors: { people, unmapped },
  approvers,
  identities,
}: {
  readonly rule: ApprovalRule;
  readonly contributors: Contributors;
  readonly approvers: readonly ApproverEmail[];
  readonly identities: Identities;
}): { readonly quorum: number } => {
  if (rule.authorMayApprove) return { quorum: rule.quorum };
  const quorum = rule.quorum + unmapped.length;
  const eligible = approvers.filter(({ email }) => {
    if (email === "unknown") return true;
    const person = email === undefined ? undefined : personOf(identities, email);
    return person !== undefined && !people.includes(person);
  });
  if (quorum <= eligible.length) return { quorum };
  const made = people.length === 0 ? "nobody known" : people.join(", ");
  const extra = unmapped.map(({ identity, why }) => `${identity} (${why})`).join("; ");
  throw new QuorumOutOfReach(
    `${quorum} approval${quorum === 1 ? " is" : "s are"} needed, and ${eligible.length} of the ${approvers.length} approvers did not make this change. It was made by ${made}${unmapped.length === 0 ? "" : `; mapped to nobody: ${extra}`}.`,
  );
};
