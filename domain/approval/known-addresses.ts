import * as z from "zod";
import { canonicalizeEmail } from "./canonicalize-email.ts";
import type { Identities } from "./identities.ts";

/**
 * Which addresses say whose they are when Slack shows them for an approver. Slack lets its users change their address,
 * so one that nobody else knows says nothing of who they are, nor that they did not make the change.
 */
export const KnownAddresses = z.object({
  /** The organisation's; "any": on one machine the approvers are made up. */
  domains: z.union([z.literal("any"), z.array(z.string())]),
  /** Those elsewhere that the platform's map lists. */
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
  // A code host's addresses receive no mail, so Slack shows them for nobody.
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
