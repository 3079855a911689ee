import { createHash } from "node:crypto";
import * as z from "zod";
import type { Identities } from "#domain/approval/identities.ts";
import { isNamedByProvider } from "#domain/approval/identity-resolver.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import { Digest } from "#platform/images/images.ts";
import type { Store } from "#platform/store/store.ts";
import { PlatformRules, PolicyInvalid } from "./parse-policy.ts";

/** Who proposed or confirmed: `id` is what an authority vouched for (AWS's user id, the account on this machine). */
export const Operator = z.object({ id: z.string().min(1).max(300), name: z.string().max(300) });
export type Operator = z.infer<typeof Operator>;

/** One revision in the ledger. */
export const PolicyEntry = z.object({
  revision: z.int().positive(),
  text: z.string(),
  digest: Digest,
  /** Digest of the text before; null for the first. */
  previous: Digest.nullable(),
  /** The proposal that was confirmed; null for the first copy. */
  proposal: z.string().nullable(),
  appliedBy: Operator,
  /** Null for the first copy alone. */
  confirmedBy: Operator.nullable(),
  /** Epoch milliseconds. */
  at: z.int(),
  changes: z.object({ loosened: z.array(z.string()), tightened: z.array(z.string()) }),
});
export type PolicyEntry = z.infer<typeof PolicyEntry>;

/** The platform's copy of the policy as it is in force: one entry of the ledger, with its rules read. */
export type PlatformPolicyRevision = Omit<PolicyEntry, "text"> & PlatformRules;

/** Nobody has written the platform's copy yet. */
export class PolicyMissing extends SlipwayError {
  override readonly name = "PolicyMissing";
  override readonly retryable = false;
}

/**
 * Whether one person may propose and confirm. `alone-if-said`: on one machine, where nobody can prove to be a second
 * person, one may do both, and the ledger shows it.
 */
export type Confirmation = "second-person" | "alone-if-said";

/** Where revisions, proposals and signatures lie; docs/policy.md says who may write which of these partitions on AWS. */
export const policyKeys = {
  ledger: "policy",
  proposals: "policy-proposals",
  entry: (revision: number) => ({ partition: "policy", sort: String(revision).padStart(10, "0") }),
  /** IAM lets a person write in the partition of her own user id alone, so an entry there is her signature. */
  signature: (operator: Operator, proposal: string, role: "proposed" | "confirmed") => ({
    partition: `policy-signed#${operator.id}`,
    sort: `${proposal}#${role}`,
  }),
} as const;

export const digestText = (text: string): string =>
  `sha256:${createHash("sha256").update(text).digest("hex")}`;

export const toRevision = ({ text, ...entry }: PolicyEntry): PlatformPolicyRevision => ({
  ...entry,
  ...PlatformRules.parse(JSON.parse(text)),
});

/**
 * An id that holds for one text of one person on top of one revision: whoever confirms it confirms just that, and no
 * revision can be put in force a second time.
 */
export const deriveProposalId = ({
  follows,
  digest,
  by,
}: {
  readonly follows: number;
  readonly digest: string;
  readonly by: Operator;
}): string =>
  `${follows + 1}-${createHash("sha256").update(`${digest}\n${by.id}`).digest("hex").slice(0, 16)}`;

/** `AROA…:ada@example.com`: the same person under another role bears the same session name. */
const parseSessionName = ({ id }: Operator): string => (id.split(":").at(-1) ?? id).toLowerCase();

/**
 * Which role a session is of; undefined: the id is a user's, or this machine's.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
 */
const parseRoleId = ({ id }: Operator): string | undefined => /^(AROA[^:]*):/.exec(id)?.[1];

/** `<account>:<name>` is a federated token's id, and who asks for the token chooses the name. */
const isFederated = ({ id }: Operator): boolean => /^\d{12}:/.test(id);

/**
 * Whether two operators count as one. Two sessions of one role are two people only where the identity provider names
 * them: whoever may assume another role names its sessions.
 * @param sessionRoles roles for which the platform's map vouches
 */
export const isSamePerson = (
  one: Operator,
  other: Operator,
  sessionRoles: Identities["sessionRoles"] = [],
): boolean => {
  if (one.id === other.id || parseSessionName(one) === parseSessionName(other)) return true;
  if (isFederated(one) || isFederated(other)) return true;
  if (parseRoleId(one) === undefined || parseRoleId(one) !== parseRoleId(other)) return false;
  const isVouched = ({ id, name }: Operator) =>
    name.endsWith(`/${id.split(":").slice(1).join(":")}`) && isNamedByProvider(sessionRoles, name);
  return !isVouched(one) || !isVouched(other);
};

/** What hides in the ledger, or stands where no revision stands, is somebody's hand: nothing counts then. */
const rejectRevision = (revision: number | string, why: string): never => {
  throw new PolicyInvalid(
    `The platform's copy of the policy, revision ${revision}, does not count: ${why}. Look at \`slipway policy history\` and at who wrote to the table.`,
  );
};

/**
 * The newest entry of the ledger, whether or not its signatures are there. Throws PolicyInvalid where what stands last
 * is no entry, or not at the place of its revision.
 */
export const readNewestEntry = async (store: Store): Promise<PolicyEntry | undefined> => {
  const { items } = await store.page({ partition: policyKeys.ledger, order: "descending", limit: 1 });
  const [last] = items;
  if (!last) return undefined;
  const entry = PolicyEntry.safeParse(last.value);
  if (!entry.success) return rejectRevision(last.key.sort, "it is no entry of the ledger");
  const { revision } = entry.data;
  if (last.key.sort !== policyKeys.entry(revision).sort)
    return rejectRevision(revision, `it stands at ${last.key.sort}, which is not its place`);
  return entry.data;
};

/** Throws PolicyInvalid where an entry was not made by two people, each by their own signature. */
export const verifyEntry = async (
  { store, confirmation }: { readonly store: Store; readonly confirmation: Confirmation },
  entry: PolicyEntry,
): Promise<void> => {
  const refuse = (why: string): never => rejectRevision(entry.revision, why);
  const { revision, text, digest, appliedBy, confirmedBy, proposal } = entry;
  if (digestText(text) !== digest) refuse("its text is not the one that was confirmed");
  if (revision === 1 && proposal === null) return;
  if (confirmedBy === null || proposal === null) return refuse("nobody confirmed it");
  if (proposal !== deriveProposalId({ follows: revision - 1, digest, by: appliedBy }))
    refuse("what was confirmed is another revision");
  const before = await store.get(policyKeys.entry(revision - 1));
  const previous = PolicyEntry.safeParse(before?.value);
  if (!previous.success || previous.data.digest !== entry.previous)
    return refuse(`it does not follow revision ${revision - 1} as that stands there`);
  if (confirmation === "second-person" && isSamePerson(appliedBy, confirmedBy)) {
    // The map in force then may vouch for their role. Who confirmed that one is looked at, too: else one person would
    // list a role by hand, and be two by it.
    const { sessionRoles } = toRevision(previous.data).identities;
    if (isSamePerson(appliedBy, confirmedBy, sessionRoles))
      return refuse(
        `${appliedBy.name} and ${confirmedBy.name}, who proposed and confirmed it, count as one person (docs/policy.md); propose it again, and have a second person confirm it`,
      );
    await verifyEntry({ store, confirmation }, previous.data);
  }
  for (const [operator, role] of [
    [appliedBy, "proposed"],
    [confirmedBy, "confirmed"],
  ] as const) {
    const signature = await store.get(policyKeys.signature(operator, proposal, role));
    if (signature?.value !== digest) refuse(`${operator.name} has not signed that this text was ${role}`);
  }
};

/**
 * The platform's copy of the policy, in an append-only ledger of the store: what every delivery is held to, whatever its
 * commit says. change-policy.ts writes it. A revision counts only where the signatures of both people are there.
 */
export const createPlatformPolicy = ({
  store,
  confirmation = "second-person",
}: {
  readonly store: Store;
  readonly confirmation?: Confirmation;
}) => {
  const find = async (): Promise<PlatformPolicyRevision | undefined> => {
    const entry = await readNewestEntry(store);
    if (!entry) return undefined;
    await verifyEntry({ store, confirmation }, entry);
    return toRevision(entry);
  };

  return {
    /** The copy in force; undefined: none was ever written. Throws PolicyInvalid where it does not count. */
    find,
    /** The same; throws PolicyMissing where there is none. */
    read: async (): Promise<PlatformPolicyRevision> => {
      const found = await find();
      if (found) return found;
      throw new PolicyMissing(
        "the store holds no copy of the platform's policy (`slipway init aws` writes the first; on one machine `npm start` does), and a commit's policy.yaml is never taken instead",
      );
    },
  };
};
export type PlatformPolicy = ReturnType<typeof createPlatformPolicy>;
