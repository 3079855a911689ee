import type { ApprovalRule } from "#model-folder/manifest/manifest.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import { canonicalizeEmail } from "./canonicalize-email.ts";
import type { Contributors } from "./derive-contributors.ts";
import type { Identities } from "./identities.ts";

/** More approvals are needed than there are approvers who may answer. */
export class QuorumOutOfReach extends SlipwayError {
  override readonly name = "QuorumOutOfReach";
  override readonly retryable = false;
}

/**
 * Why an approver may not answer: they made a part of the change, Slack shows no address for them, or it shows one of
 * which nobody knows whose it is.
 */
export type ApproverRefusal = "contributor" | "no address" | "unknown address";

/** The person whom an address belongs to by the platform's map; the address itself where no person lists it. */
export const findPerson = (identities: Identities, text: string): string | undefined => {
  const email = canonicalizeEmail(text);
  if (email === undefined) return undefined;
  return Object.entries(identities.people).find(([, { emails }]) => emails.includes(email))?.[0] ?? email;
};

/** What to do about approvers whose address says nothing of who they are. */
const describeAddressRemedy = (users: readonly string[], isMapEmpty: boolean): string => {
  if (users.length === 0) return "";
  const who = users.join(", ");
  return isMapEmpty
    ? ` The platform's policy names neither people nor domains, so nobody vouches for what Slack shows of ${who}: name the organisation's domains (\`slipway policy apply\`, section identities, \`domains\`), then deliver again.`
    : ` Of ${who} Slack shows an address that is neither in the organisation's domains nor listed: list it under its person's \`emails\`, or their Slack id (\`slipway policy apply\`, section identities), then deliver again.`;
};

/**
 * How many approvals a change needs: the rule's quorum, and one more for each contributor who is mapped to nobody. Throws
 * QuorumOutOfReach where the approvers who may answer are fewer.
 */
export const computeQuorum = ({
  rule,
  contributors: { people, unmapped },
  refused,
  identities,
}: {
  readonly rule: ApprovalRule;
  readonly contributors: Contributors;
  /** Approvers who may not answer. */
  readonly refused: readonly { readonly user: string; readonly why: ApproverRefusal }[];
  readonly identities: Identities;
}): { readonly quorum: number } => {
  if (rule.authorMayApprove) return { quorum: rule.quorum };
  const quorum = rule.quorum + unmapped.length;
  const eligible = rule.approvers.length - refused.length;
  if (quorum <= eligible) return { quorum };
  const made = people.length === 0 ? "nobody known" : people.join(", ");
  const extra = unmapped.map(({ identity, why }) => `${identity} (${why})`).join("; ");
  const isMapEmpty = Object.keys(identities.people).length === 0 && identities.domains.length === 0;
  const unknown = refused.flatMap(({ user, why }) => (why === "unknown address" ? [user] : []));
  throw new QuorumOutOfReach(
    `${quorum} approval${quorum === 1 ? " is" : "s are"} needed, and ${eligible} of the ${rule.approvers.length} approvers may answer. The change was made by ${made}${unmapped.length === 0 ? "" : `; mapped to nobody: ${extra}`}.${describeAddressRemedy(unknown, isMapEmpty)}`,
  );
};
