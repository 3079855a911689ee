import * as z from "zod";
import { canonicalizeEmail } from "./canonicalize-email.ts";
import type { Identities } from "./identities.ts";

/**
 * Addresses that identify an approver when Slack shows them. Slack's users can change their address, so an unknown address
 * does not prove that its user is not a contributor.
 */
export const KnownAddresses = z.object({
  /** The organisation's; "any" on one machine, where the approvers are invented. */
  domains: z.union([z.literal("any"), z.array(z.string())]),
  /** Addresses of other domains that the platform's map lists. */
  elsewhere: z.array(z.string()),
});
export type KnownAddresses = z.infer<typeof KnownAddresses>;

const parseDomain = (email: string): string => email.split("@")[1] ?? "";

export const listKnownAddresses = (
  identities: Identities,
  domains: ReadonlySet<string> | "any",
): KnownAddresses => {
  if (domains === "any") return { domains, elsewhere: [] };
  const listed = Object.entries(identities.people).flatMap(([email, { emails }]) => [email, ...emails]);
  // A code host's noreply addresses receive no mail, so no Slack user has one.
  const elsewhere = listed.filter(
    (email) => !domains.has(parseDomain(email)) && !parseDomain(email).startsWith("users.noreply."),
  );
  return { domains: [...domains], elsewhere };
};

/** @param shown as Slack shows it */
export const isKnownAddress = ({ domains, elsewhere }: KnownAddresses, shown: string): boolean => {
  const email = canonicalizeEmail(shown);
  if (email === undefined) return false;
  return domains === "any" || domains.includes(parseDomain(email)) || elsewhere.includes(email);
};
