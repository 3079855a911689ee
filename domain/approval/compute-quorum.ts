import type { ApprovalRule } from "#model-folder/manifest/manifest.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import { canonicalizeEmail } from "./canonicalize-email.ts";
import type { Contributors } from "./derive-contributors.ts";
import type { Identities } from "./identities.ts";

/** The quorum is larger than the number of approvers who may decide. */
export class QuorumOutOfReach extends SlipwayError {
  override readonly name = "QuorumOutOfReach";
  override readonly retryable = false;
}

/** Why an approver may not decide. */
export type ApproverRefusal = "contributor" | "no address" | "unknown address" | "guest";

/** The person who lists the address in the platform's map; otherwise the address itself. */
export const findPerson = (identities: Identities, text: string): string | undefined => {
  const email = canonicalizeEmail(text);
  if (email === undefined) return undefined;
  return Object.entries(identities.people).find(([, { emails }]) => emails.includes(email))?.[0] ?? email;
};

const describeAddressRemedy = (users: readonly string[], isMapEmpty: boolean): string => {
  if (users.length === 0) return "";
  const listed = users.join(", ");
  return isMapEmpty
    ? ` The platform's policy names neither people nor domains, so the addresses of ${listed} in Slack are unknown: name the organisation's domains (\`slipway policy apply\`, section identities, \`domains\`), then deliver again.`
    : ` Unknown addresses in Slack: ${listed}. List them under \`emails\` of their person, or list the Slack ids (\`slipway policy apply\`, section identities), then deliver again.`;
};

/** What follows it in a message of QuorumOutOfReach names people, and identities that nobody could map to a person. */
export const contributorsHeading = " Contributors: ";

/**
 * The rule's quorum, plus one for each contributor who is not mapped to a person. Throws QuorumOutOfReach where fewer
 * approvers may decide.
 */
export const computeQuorum = ({
  rule,
  contributors: { people, unmapped },
  refused,
  samePerson = [],
  identities,
}: {
  readonly rule: ApprovalRule;
  readonly contributors: Contributors;
  /** Approvers who may not decide. */
  readonly refused: readonly { readonly user: string; readonly why: ApproverRefusal }[];
  /** Approvers who are accounts of one person. */
  readonly samePerson?: readonly (readonly string[])[];
  readonly identities: Identities;
}): { readonly quorum: number } => {
  const quorum = rule.authorMayApprove ? rule.quorum : rule.quorum + unmapped.length;
  const mayDecide = (user: string): boolean => !refused.some((approver) => approver.user === user);
  const repeated = samePerson.map((users) => users.filter(mayDecide)).filter((users) => users.length > 1);
  const eligible =
    rule.approvers.length - refused.length - repeated.reduce((sum, users) => sum + users.length - 1, 0);
  if (quorum <= eligible) return { quorum };
  const contributors = people.length === 0 ? "none known" : people.join(", ");
  const notMapped = unmapped.map(({ identity, why }) => `${identity} (${why})`).join("; ");
  const isMapEmpty = Object.keys(identities.people).length === 0 && identities.domains.length === 0;
  const guests = refused.flatMap(({ user, why }) => (why === "guest" ? [user] : []));
  const guestRemedy =
    guests.length === 0
      ? ""
      : ` Guests whom only a user group names: ${guests.join(", ")}. Name their Slack ids, or members.`;
  const unknown = refused.flatMap(({ user, why }) => (why === "unknown address" ? [user] : []));
  throw new QuorumOutOfReach(
    `${quorum} approval${quorum === 1 ? "" : "s"} required, but only ${eligible} of ${rule.approvers.length} approvers may decide.${contributorsHeading}${contributors}${unmapped.length === 0 ? "" : `; not mapped to a person: ${notMapped}`}.${repeated.map((users) => ` ${users.join(", ")} belong to one person and count once.`).join("")}${guestRemedy}${describeAddressRemedy(unknown, isMapEmpty)}`,
  );
};
