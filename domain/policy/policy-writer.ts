import * as z from "zod";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import { Digest } from "#platform/images/images.ts";
import { readPages, type Store } from "#platform/store/store.ts";
import { PlatformRules, PolicyInvalid } from "./parse-policy.ts";
import {
  type Confirmation,
  deriveProposalId,
  digestText,
  isSamePerson,
  Operator,
  type PlatformPolicyRevision,
  PolicyEntry,
  policyKeys,
  readNewestEntry,
  toRevision,
  verifyEntry,
} from "./platform-policy.ts";
import { comparePolicies } from "./strictest-policy.ts";
import { compareRules, flattenRules, type RuleChanges } from "./strictness.ts";

/** A proposed copy that is not in force. */
const Proposal = z.object({
  id: z.string(),
  /** Void once another revision than this one is in force. */
  follows: z.int().positive(),
  /** The rules as JSON; exactly what the digest covers. */
  text: z.string(),
  digest: Digest,
  by: Operator,
  at: z.int(),
  changes: PolicyEntry.shape.changes,
});
export type Proposal = z.infer<typeof Proposal>;

/** `slipway policy` refuses the command. */
export class PolicyRefused extends SlipwayError {
  override readonly name = "PolicyRefused";
  override readonly retryable = false;
}

/** The command names a proposal that does not exist. */
export class ProposalUnknown extends SlipwayError {
  override readonly name = "ProposalUnknown";
  override readonly retryable = false;
}

const serializeRules = ({ floor, identities }: PlatformRules): string =>
  JSON.stringify({ floor, identities });

/**
 * What changes from one copy to the next. A newly mapped identity no longer raises the quorum, so every change of the
 * identities counts as loosened.
 */
const comparePlatformRules = (before: PlatformRules, after: PlatformRules): RuleChanges => {
  const floor = comparePolicies(before.floor, after.floor);
  const people = compareRules(
    new Map(),
    flattenRules(before.identities, "identities"),
    flattenRules(after.identities, "identities"),
  );
  return {
    loosened: [...floor.loosened, ...people.loosened, ...people.tightened],
    tightened: floor.tightened,
  };
};

/**
 * Changes the platform's copy of the policy. A new copy needs two people: one proposes it, another confirms exactly that
 * text. Each signs in a partition of their own.
 */
export const createPolicyWriter = ({
  store,
  clock,
  confirmation = "second-person",
}: {
  readonly store: Store;
  readonly clock: () => number;
  readonly confirmation?: Confirmation;
}) => {
  const sign = async (operator: Operator, proposal: Proposal, role: "proposed" | "confirmed") => {
    await store.put(policyKeys.signature(operator, proposal.id, role), proposal.digest);
  };

  const append = async (entry: PolicyEntry): Promise<PlatformPolicyRevision> => {
    const { written } = await store.put(policyKeys.entry(entry.revision), entry, {
      expect: "absent",
      permanent: true,
    });
    if (!written)
      throw new PolicyRefused(
        `Someone else has just written revision ${entry.revision} of the policy: see \`slipway policy history\`, then propose again.`,
      );
    return toRevision(entry);
  };

  const proposal = async (id: string): Promise<Proposal> => {
    const item = await store.get({ partition: policyKeys.proposals, sort: id });
    if (!item)
      throw new ProposalUnknown(
        `There is no proposal ${id}: \`slipway policy apply <file>\` makes one and prints its id.`,
      );
    const stored = Proposal.parse(item.value);
    // Every operator may write proposals, so check that this one still matches its id.
    if (stored.digest !== digestText(stored.text) || deriveProposalId(stored) !== id)
      throw new PolicyRefused(`Proposal ${id} was changed after it was made: propose it again.`);
    const before = await store.get(policyKeys.entry(stored.follows));
    const { loosened, tightened } = before
      ? comparePlatformRules(
          toRevision(PolicyEntry.parse(before.value)),
          PlatformRules.parse(JSON.parse(stored.text)),
        )
      : stored.changes;
    return { ...stored, changes: { loosened: [...loosened], tightened: [...tightened] } };
  };

  return {
    proposal,

    /** Writes the first copy, without a confirmation. Throws PolicyRefused if there is one. */
    writeFirst: async (rules: PlatformRules, by: Operator): Promise<PlatformPolicyRevision> => {
      const text = serializeRules(rules);
      if (await readNewestEntry(store))
        throw new PolicyRefused(
          "The platform already has a copy of the policy: change it with `slipway policy apply <file>`.",
        );
      return append({
        revision: 1,
        text,
        digest: digestText(text),
        previous: null,
        proposal: null,
        appliedBy: by,
        confirmedBy: null,
        at: clock(),
        changes: { loosened: [], tightened: [] },
      });
    },

    /** Proposes a copy, which comes into force by `confirm`. Throws PolicyRefused if nothing changes. */
    propose: async (rules: PlatformRules, by: Operator): Promise<Proposal> => {
      const entry = await readNewestEntry(store);
      if (!entry)
        throw new PolicyRefused(
          "The platform has no copy of the policy yet: `slipway init aws --domain <domain>`, or the first `npm start`, writes it.",
        );
      // Two people have to be able to correct a copy that one person alone put in force.
      await verifyEntry({ store, confirmation: "alone-if-said" }, entry);
      const before = toRevision(entry);
      const isValid = await verifyEntry({ store, confirmation }, entry).then(
        () => true,
        (error: unknown) => {
          if (error instanceof PolicyInvalid) return false;
          throw error;
        },
      );
      const text = serializeRules(rules);
      const digest = digestText(text);
      const { loosened, tightened } = comparePlatformRules(before, rules);
      if (digest === before.digest && isValid)
        throw new PolicyRefused(`Nothing changes: revision ${before.revision} in force is identical.`);
      // The same text by the same person is the same proposal.
      const id = deriveProposalId({ follows: before.revision, digest, by });
      const proposed: Proposal = {
        id,
        follows: before.revision,
        text,
        digest,
        by,
        at: clock(),
        changes: { loosened: [...loosened], tightened: [...tightened] },
      };
      await sign(by, proposed, "proposed");
      await store.put({ partition: policyKeys.proposals, sort: id }, proposed, { expect: "absent" });
      return proposal(id);
    },

    /**
     * Puts a proposal in force. Throws PolicyRefused for the person who proposed it, and where another copy came into
     * force in the meantime.
     * @param alone one person confirms their own proposal; only with `alone-if-said`
     */
    confirm: async (
      id: string,
      by: Operator,
      { alone = false }: { readonly alone?: boolean } = {},
    ): Promise<PlatformPolicyRevision> => {
      const proposed = await proposal(id);
      const before = await readNewestEntry(store);
      if (before?.revision !== proposed.follows)
        throw new PolicyRefused(
          `Proposal ${id} follows revision ${proposed.follows}, but revision ${before?.revision ?? 0} is in force: propose it again.`,
        );
      const { sessionRoles } = toRevision(before).identities;
      if (isSamePerson(proposed.by, by, sessionRoles)) {
        if (confirmation === "second-person")
          throw new PolicyRefused(
            proposed.by.id === by.id
              ? `${by.name} proposed this: a second person has to confirm it, with an identity of their own.`
              : `${proposed.by.name} proposed this, and ${by.name} counts as the same person: a second person has to confirm it, with an identity of their own. Two sessions of one role are two people only by IAM Identity Center's roles, or where the map in force lists the role under sessionRoles (docs/policy.md).`,
          );
        if (!alone)
          throw new PolicyRefused(
            `${by.name} proposed this, and a second person has to confirm it. If you are alone on this machine, add --alone: the ledger will show that one person did both.`,
          );
      }
      await sign(by, proposed, "confirmed");
      const entry: PolicyEntry = {
        revision: proposed.follows + 1,
        text: proposed.text,
        digest: proposed.digest,
        previous: before.digest,
        proposal: id,
        appliedBy: proposed.by,
        confirmedBy: by,
        at: clock(),
        changes: proposed.changes,
      };
      await verifyEntry({ store, confirmation }, entry);
      return append(entry);
    },

    /** Every revision, newest first. */
    history: async (): Promise<readonly PlatformPolicyRevision[]> => {
      const revisions: PlatformPolicyRevision[] = [];
      const query = { partition: policyKeys.ledger, order: "descending", limit: 100 } as const;
      for await (const items of readPages(store, query))
        for (const { value } of items) revisions.push(toRevision(PolicyEntry.parse(value)));
      return revisions;
    },

    /** Proposals that wait for a second person. */
    open: async (): Promise<readonly Proposal[]> => {
      const before = await readNewestEntry(store);
      const { items } = await store.page({
        partition: policyKeys.proposals,
        order: "descending",
        limit: 100,
      });
      return items
        .map(({ value }) => Proposal.parse(value))
        .filter(({ follows }) => follows === before?.revision);
    },
  };
};
export type PolicyWriter = ReturnType<typeof createPolicyWriter>;
