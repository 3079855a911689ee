import { canonicalizeEmail } from "./canonicalize-email.ts";
import type { Identities } from "./identities.ts";

export type ResolvedIdentity =
  | { readonly kind: "person"; readonly email: string }
  | { readonly kind: "bot" }
  | { readonly kind: "unmapped"; readonly why: string };

/** `arn:aws:sts::<account>:assumed-role/<role>/<session>` */
const sessionArnPattern = /^arn:([\w-]+):sts::(\d{12}):assumed-role\/([^/]+)\/(.+)$/;

/** The role of a permission set of IAM Identity Center, which names each session after its user. */
const permissionSetRolePattern = /^AWSReservedSSO_[\w+=,.@-]+_[0-9a-f]{16}$/;

/**
 * Whether the identity provider writes the session name, so that it names a person: true for roles of IAM Identity Center
 * and for the roles that the platform lists. In other roles the caller chooses the session name.
 */
export const isNamedByProvider = (sessionRoles: Identities["sessionRoles"], arn: string): boolean => {
  const [, partition = "", account = "", name = ""] = sessionArnPattern.exec(arn) ?? [];
  return (
    permissionSetRolePattern.test(name) ||
    sessionRoles.some(
      (listed) =>
        listed.startsWith(`arn:${partition}:iam::${account}:role/`) && listed.split("/").at(-1) === name,
    )
  );
};

const matchesArn = (identity: string, listed: string): boolean =>
  listed.endsWith("/*") ? identity.startsWith(listed.slice(0, -1)) : identity === listed;

/** Logins are case-insensitive, ARNs are not. */
const matchesIdentity = (identity: string, listed: string): boolean =>
  listed.startsWith("github:")
    ? identity.toLowerCase() === listed.toLowerCase()
    : matchesArn(identity, listed);

/**
 * Domains whose addresses count without their own entry: those that the platform's map names, never those that Slack
 * shows, because its users can change their address. Empty: the map names neither people nor domains, so every address
 * except a code host's counts. "any": a code host's addresses count too, because the repository has no code host.
 */
export const listKnownDomains = (
  identities: Identities,
  addresses: "organisation" | "any",
): ReadonlySet<string> | "any" => {
  if (identities.domains.length > 0) return new Set(identities.domains);
  if (addresses === "any") return "any";
  return new Set(Object.keys(identities.people).flatMap((email) => email.split("@")[1] ?? []));
};

/**
 * Maps identities to people. `authenticated` takes what the code host or AWS has authenticated: a login, a role, a bot.
 * `claimed` takes an address that anybody can write into a commit.
 */
export const createIdentityResolver = (identities: Identities, domains: ReadonlySet<string> | "any") => {
  const findOwner = (identity: string): string | undefined =>
    Object.entries(identities.people).find(([, { logins, arns }]) =>
      [...logins, ...arns].some((listed) => matchesIdentity(identity, listed)),
    )?.[0];

  const address = (text: string): ResolvedIdentity => {
    const email = canonicalizeEmail(text);
    if (email === undefined) return { kind: "unmapped", why: "not an e-mail address" };
    const owner = Object.entries(identities.people).find(
      ([canonical, { emails }]) => canonical === email || emails.includes(email),
    )?.[0];
    if (owner !== undefined) return { kind: "person", email: owner };
    if (domains === "any") return { kind: "person", email };
    const domain = email.split("@")[1] ?? "";
    if (domain.startsWith("users.noreply.") || domain === "github.com")
      return { kind: "unmapped", why: "a code host's address names an account, and no person lists it" };
    if (domains.size > 0 && !domains.has(domain))
      return { kind: "unmapped", why: "the address is not the organisation's, and no person lists it" };
    return { kind: "person", email };
  };

  const role = (arn: string): ResolvedIdentity => {
    const text = sessionArnPattern.exec(arn)?.[4] ?? "";
    if (isNamedByProvider(identities.sessionRoles, arn) && text.includes("@")) return address(text);
    return {
      kind: "unmapped",
      why: text.includes("@")
        ? "whoever may assume this role names its session; list the role under sessionRoles if the identity provider does"
        : "no person lists this ARN",
    };
  };

  return {
    claimed: address,
    authenticated: (identity: string): ResolvedIdentity => {
      // A push on GitHub has the login and the public address of the account: `github:ada <ada@example.com>`.
      const [, login = identity, shown] = /^(github:\S+) <(.*)>$/.exec(identity) ?? [];
      const owner = findOwner(login);
      if (owner !== undefined) return { kind: "person", email: owner };
      if (identities.bots.some((bot) => matchesIdentity(login, bot))) return { kind: "bot" };
      if (shown !== undefined) {
        const resolved = address(shown);
        if (resolved.kind === "person") return resolved;
      }
      if (login.startsWith("github:")) return { kind: "unmapped", why: "no person lists this login" };
      return login.startsWith("arn:") ? role(login) : address(login);
    },
  };
};
export type IdentityResolver = ReturnType<typeof createIdentityResolver>;
