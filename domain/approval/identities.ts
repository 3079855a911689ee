import * as z from "zod";
import { SlackUser } from "#model-folder/manifest/manifest.ts";
import { canonicalizeEmail } from "./canonicalize-email.ts";

const Email = z
  .string()
  .max(320)
  .refine((text) => canonicalizeEmail(text) !== undefined, "not an e-mail address in plain letters")
  .transform((text) => canonicalizeEmail(text) ?? text);

const Login = z
  .string()
  .max(120)
  .regex(/^github:[A-Za-z0-9][A-Za-z0-9_-]*(\[bot\])?$/, "a login is written github:<name>");

/** An assumed role may end in `/*`: any session name. */
const Arn = z
  .string()
  .max(2_048)
  .regex(/^arn:[\w-]+:(iam|sts)::[^\s*]*(\/\*)?$/, "an ARN of a user, a role or a role's session");

const Person = z.strictObject({
  /** Accounts at the code host, `github:ada`. */
  logins: z.array(Login).default([]),
  /** Users, roles and sessions in AWS that only this person can use. */
  arns: z.array(Arn).default([]),
  /** Further addresses, also those of a code host (`1+ada@users.noreply.github.com`). */
  emails: z.array(Email).default([]),
  /** Slack's id of the person, for a workspace that shows no e-mail addresses. */
  slack: SlackUser.optional(),
});

const IdentityFields = z.strictObject({
  /** By the address that Slack shows for the person. */
  people: z.record(Email, Person).default({}),
  /** Machines whose changes need no extra approval. Only an authenticated identity can be one, never a name in a commit. */
  bots: z.array(z.union([Login, Arn])).default([]),
  /**
   * Domains of the organisation's addresses. An address of another domain is only mapped if a person lists it. Empty: the
   * domains of the people above.
   */
  domains: z
    .array(
      z
        .string()
        .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, "a domain in lower case, example.com")
        .refine(
          (domain) => !domain.startsWith("users.noreply."),
          "a code host's noreply addresses are mapped one by one",
        ),
    )
    .default([]),
  /**
   * Roles whose session name is the person's e-mail address, written by the identity provider (`arn:aws:iam::…:role/…`).
   * In other roles the caller chooses the session name.
   */
  sessionRoles: z.array(z.string().regex(/^arn:[\w-]+:iam::\d{12}:role\/\S+$/, "a role's ARN")).default([]),
});

const listOwners = ({
  people,
  bots,
}: z.infer<typeof IdentityFields>): readonly (readonly [string, string])[] => [
  ...Object.entries(people).flatMap(([email, { logins, arns, emails, slack }]) =>
    [email, ...logins.map((login) => login.toLowerCase()), ...arns, ...emails, ...(slack ? [slack] : [])].map(
      (identity) => [identity, email] as const,
    ),
  ),
  ...bots.map((bot) => [bot.startsWith("github:") ? bot.toLowerCase() : bot, "a bot"] as const),
];

/**
 * The section `identities` of the platform's copy of the policy, outside the repository. An identity that it does not map
 * raises the quorum of a delivery.
 */
export const Identities = IdentityFields.superRefine((identities, context) => {
  const seen = new Map<string, string>();
  for (const [identity, owner] of listOwners(identities)) {
    const other = seen.get(identity);
    if (other !== undefined && other !== owner)
      context.addIssue({ code: "custom", message: `${identity} belongs to both ${other} and ${owner}` });
    seen.set(identity, owner);
  }
});
export type Identities = z.infer<typeof Identities>;

export const emptyIdentities: Identities = { people: {}, bots: [], domains: [], sessionRoles: [] };
