import { canonicalizeEmail } from "./canonicalize-email.ts";
import type { Identities } from "./identities.ts";

export type ResolvedIdentity =
  | { readonly kind: "person"; readonly email: string }
  | { readonly kind: "bot" }
  | { readonly kind: "unmapped"; readonly why: string };

/** `arn:aws:sts::<account>:assumed-role/<role>/<session>` */
const sessionArnPattern = /^arn:([\w-]+):sts::(\d{12}):assumed-role\/([^/]+)\/(.+)$/;

/** What IAM Identity Center calls the role of a permission set. It names each session by its user there. */
const permissionSetRolePattern = /^AWSReservedSSO_[\w+=,.@-]+_[0-9a-f]{16}$/;

/**
 * Whether the identity provider names this session of a role, so that its name is a person's: Identity Center does, and
 * the roles that the platform lists. Whoever may assume another role names its session at will.
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

/** A login is the same in capital and small letters; an ARN is not. */
const matchesIdentity = (identity: string, listed: string): boolean =>
  listed.startsWith("github:")
    ? identity.toLowerCase() === listed.toLowerCase()
    : matchesArn(identity, listed);

/**
 * The domains of addresses that count as somebody's without being listed: those that the platform's map names, and never
 * what Slack shows, because its users change their address there. Empty: the map names neither people nor domains, and
 * all addresses but a code host's count. "any": those, too, where no code host stands behind the repository.
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
 * Maps an identity to the person it belongs to. `authenticated`: the code host or AWS vouches that it is theirs; only
 * then it can be a bot's, a login's or a role's. What a commit says is an address and nothing more.
 */
export const createIdentityResolver = (identities: Identities, domains: ReadonlySet<string> | "any") => {
  const ownerOf = (identity: string): string | undefined =>
    Object.entries(identities.people).find(([, { logins, arns }]) =>
      [...logins, ...arns].some((listed) => matchesIdentity(identity, listed)),
    )?.[0];

  const address = (text: string): ResolvedIdentity => {
    const email = canonicalizeEmail(text);
    if (email === undefined) return { kind: "unmapped", why: "it is no e-mail address" };
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
      // GitHub's pushes bear the login and the address that the account shows: `github:ada <ada@example.com>`.
      const [, login = identity, shown] = /^(github:\S+) <(.*)>$/.exec(identity) ?? [];
      const owner = ownerOf(login);
      if (owner !== undefined) return { kind: "person", email: owner };
      if (identities.bots.some((bot) => matchesIdentity(login, bot))) return { kind: "bot" };
      if (shown !== undefined) {
        const found = address(shown);
        if (found.kind === "person") return found;
      }
      if (login.startsWith("github:")) return { kind: "unmapped", why: "no person lists this login" };
      return login.startsWith("arn:") ? role(login) : address(login);
    },
  };
};
export type IdentityResolver = ReturnType<typeof createIdentityResolver>;
