import { createHash } from "node:crypto";
import * as z from "zod";
import type { Identities } from "#domain/approval/identities.ts";
import { isNamedByProvider } from "#domain/approval/identity-resolver.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import { Digest } from "#platform/images/images.ts";
import type { Store } from "#platform/store/store.ts";
import { PlatformRules, PolicyInvalid } from "./parse-policy.ts";

/** Who proposed or confirmed. `id` is authenticated: AWS's user id, or the account on this machine. */
export const Operator = z.object({ id: z.string().min(1).max(300), name: z.string().max(300) });
export type Operator = z.infer<typeof Operator>;

/** One revision of the policy. */
export const PolicyEntry = z.object({
  revision: z.int().positive(),
  text: z.string(),
  digest: Digest,
  /** Digest of the previous text; null for the first copy. */
  previous: Digest.nullable(),
  /** The confirmed proposal; null for the first copy. */
  proposal: z.string().nullable(),
  appliedBy: Operator,
  /** Null only for the first copy. */
  confirmedBy: Operator.nullable(),
  /** Epoch milliseconds. */
  at: z.int(),
  changes: z.object({ loosened: z.array(z.string()), tightened: z.array(z.string()) }),
});
export type PolicyEntry = z.infer<typeof PolicyEntry>;

/** One entry of the ledger with its parsed rules. */
export type PlatformPolicyRevision = Omit<PolicyEntry, "text"> & PlatformRules;

/** The store has no platform's copy of the policy. */
export class PolicyMissing extends SlipwayError {
  override readonly name = "PolicyMissing";
  override readonly retryable = false;
}

/**
 * Whether one person may both propose and confirm. `alone-if-said`: allowed with --alone on one machine, where no one
 * can prove to be a second person. The ledger shows it.
 */
export type Confirmation = "second-person" | "alone-if-said";

/** docs/policy.md says who may write which of these partitions on AWS. */
export const policyKeys = {
  ledger: "policy",
  proposals: "policy-proposals",
  entry: (revision: number) => ({ partition: "policy", sort: String(revision).padStart(10, "0") }),
  /** IAM lets each person write only in the partition of their own user id, so an entry there is a signature. */
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
 * The id covers the text, its author and the revision that it follows. So a confirmation means exactly that text, and no
 * revision can come into force twice.
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

/** `AROA…:ada@example.com`: the same person has the same session name in another role. */
const parseSessionName = ({ id }: Operator): string => (id.split(":").at(-1) ?? id).toLowerCase();

/**
 * The role of a session; undefined: the id of a user or of this machine.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
 */
const parseRoleId = ({ id }: Operator): string | undefined => /^(AROA[^:]*):/.exec(id)?.[1];

/** `<account>:<name>` is the id of a federated token, whose caller chooses the name. */
const isFederated = ({ id }: Operator): boolean => /^\d{12}:/.test(id);

/**
 * Whether two operators count as one person. Two sessions of one role are two people only if the identity provider writes
 * the session names; otherwise the caller chooses them.
 * @param sessionRoles roles that the platform's map lists
 */
export const isSamePerson = (
  first: Operator,
  second: Operator,
  sessionRoles: Identities["sessionRoles"] = [],
): boolean => {
  if (first.id === second.id || parseSessionName(first) === parseSessionName(second)) return true;
  if (isFederated(first) || isFederated(second)) return true;
  if (parseRoleId(first) === undefined || parseRoleId(first) !== parseRoleId(second)) return false;
  const isAuthenticated = ({ id, name }: Operator) =>
    name.endsWith(`/${id.split(":").slice(1).join(":")}`) && isNamedByProvider(sessionRoles, name);
  return !isAuthenticated(first) || !isAuthenticated(second);
};

/** An invalid entry means that somebody wrote to the table by hand, so no revision counts. */
const rejectRevision = (revision: number | string, why: string): never => {
  throw new PolicyInvalid(
    `The platform's copy of the policy, revision ${revision}, does not count: ${why}. Look at \`slipway policy history\` and at who wrote to the table.`,
  );
};

/**
 * The newest entry of the ledger, with or without signatures. Throws PolicyInvalid for an invalid entry, or one under the
 * key of another revision.
 */
export const readNewestEntry = async (store: Store): Promise<PolicyEntry | undefined> => {
  const { items } = await store.page({ partition: policyKeys.ledger, order: "descending", limit: 1 });
  const [last] = items;
  if (!last) return undefined;
  const entry = PolicyEntry.safeParse(last.value);
  if (!entry.success) return rejectRevision(last.key.sort, "it is not an entry of the ledger");
  const { revision } = entry.data;
  if (last.key.sort !== policyKeys.entry(revision).sort)
    return rejectRevision(revision, `it is stored at ${last.key.sort}, which is not its place`);
  return entry.data;
};

/** Throws PolicyInvalid unless two people signed the entry. */
export const verifyEntry = async (
  { store, confirmation }: { readonly store: Store; readonly confirmation: Confirmation },
  entry: PolicyEntry,
): Promise<void> => {
  const refuse = (why: string): never => rejectRevision(entry.revision, why);
  const { revision, text, digest, appliedBy, confirmedBy, proposal } = entry;
  if (digestText(text) !== digest) refuse("its text is not the confirmed one");
  if (revision === 1 && proposal === null) return;
  if (confirmedBy === null || proposal === null) return refuse("nobody confirmed it");
  if (proposal !== deriveProposalId({ follows: revision - 1, digest, by: appliedBy }))
    refuse("another revision was confirmed");
  const before = await store.get(policyKeys.entry(revision - 1));
  const previous = PolicyEntry.safeParse(before?.value);
  if (!previous.success || previous.data.digest !== entry.previous)
    return refuse(`it does not follow the stored revision ${revision - 1}`);
  if (confirmation === "second-person" && isSamePerson(appliedBy, confirmedBy)) {
    // The previous revision may list their role. Verify that revision too: otherwise one person could list a role by hand
    // and count as two.
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
 * The platform's copy of the policy in an append-only ledger. It applies to every delivery, regardless of its commit. A
 * revision counts only with the signatures of both people. policy-writer.ts writes it.
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
    /** The copy in force; undefined: none yet. Throws PolicyInvalid where it does not count. */
    find,
    /** Like `find`, but throws PolicyMissing if there is none. */
    read: async (): Promise<PlatformPolicyRevision> => {
      const revision = await find();
      if (revision) return revision;
      throw new PolicyMissing(
        "the store holds no copy of the platform's policy (`slipway init aws --domain <domain>` writes the first; on one machine `npm start` does), and a commit's policy.yaml is never taken instead",
      );
    },
  };
};
export type PlatformPolicy = ReturnType<typeof createPlatformPolicy>;
