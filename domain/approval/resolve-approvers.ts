import * as z from "zod";
import { ContractBroken } from "#domain/delivery/errors.ts";
import type { LogWarning } from "#domain/delivery/log-warning.ts";
import type { ApprovalInForce } from "#domain/policy/rules-in-force.ts";
import { ApproverGroups, expandApprovers, needsMembership } from "./approver-lists.ts";
import { canonicalizeEmail } from "./canonicalize-email.ts";
import { type ApproverRefusal, computeQuorum, QuorumOutOfReach } from "./compute-quorum.ts";
import { Contributors } from "./derive-contributors.ts";
import { fetchSlackProfile, type SlackUsers } from "./fetch-slack-profile.ts";
import { findContributors, type FindContributorsDependencies as HistoryNeeds } from "./find-contributors.ts";
import { findSamePerson } from "./find-same-person.ts";
import type { ReadGroups } from "./group-reader.ts";
import type { Identities } from "./identities.ts";
import { listKnownDomains } from "./identity-resolver.ts";
import { isKnownAddress, KnownAddresses, listKnownAddresses } from "./known-addresses.ts";

/** The contributors that an approval is bound to. */
export const BoundContributors = Contributors.extend({
  /** Every address of each contributor in the platform's map. */
  addresses: z.array(z.string()),
  /** Approvers whose Slack id the platform's map lists. */
  approvers: z.array(z.object({ user: z.string(), email: z.string() })),
  /** Approvers who may not decide, by the addresses that were known at the request. The message shows them. */
  leftOut: z
    .array(
      z.object({ user: z.string(), why: z.enum(["contributor", "no address", "unknown address", "guest"]) }),
    )
    .default([]),
  /** Addresses that count at the vote. Absent in old records: there all count. */
  known: KnownAddresses.optional(),
  /**
   * Addresses that Slack showed for approvers at the request: their votes need no call to Slack. An approver who is missing
   * here (Slack was down, or showed no address) is looked up after the vote.
   */
  shown: z.array(z.object({ user: z.string(), email: z.string() })).optional(),
  /** Approvers who are accounts of one person: together they count once. Absent: none was known. */
  samePerson: z.array(z.array(z.string())).optional(),
  /** The rule's user groups; absent: it names none. Their members' votes count only while they are members. */
  groups: ApproverGroups.optional(),
});
export type BoundContributors = z.infer<typeof BoundContributors>;

type ResolveApproversDependencies = HistoryNeeds & {
  readonly policy: { readonly read: () => Promise<{ readonly identities: Identities }> };
  readonly slack: SlackUsers;
  /** Absent: this world has no user groups. */
  readonly readGroups?: ReadGroups;
  readonly warn: LogWarning;
  /** "any" on one machine: there the approvers are invented, and data scientists commit with private addresses. */
  readonly addresses: "organisation" | "any";
};

/** The contributors of a change and the approvals that it needs. Throws QuorumOutOfReach where the approvers are too few. */
export const resolveApprovers =
  ({ policy, slack, readGroups, warn, addresses: kind, ...history }: ResolveApproversDependencies) =>
  async (change: {
    readonly delivery: string;
    readonly model: string;
    readonly commit: string;
    readonly pusher: string | null;
    readonly rule: ApprovalInForce;
  }): Promise<{
    readonly quorum: number;
    /** Users alone: members in place of their groups. */
    readonly approvers: readonly string[];
    readonly contributors: BoundContributors;
  }> => {
    const { delivery, model, commit, pusher } = change;
    const { within, ...named } = change.rule;
    const groups = within && (await findGroups([named.approvers, ...within], readGroups));
    const rule = groups ? { ...named, approvers: [...expandGroups(groups)] } : named;
    const { identities } = await policy.read();
    const listed = Object.entries(identities.people).flatMap(([email, { slack: user }]) =>
      user === undefined ? [] : [{ user, email }],
    );
    const contributors = await findContributors(history)({
      delivery,
      model,
      commit,
      pusher,
      identities,
      addresses: kind,
    });
    const addresses = contributors.people.flatMap((person) => [
      person,
      ...(Object.entries(identities.people).find(([email]) => email === person)?.[1].emails ?? []),
    ]);
    const bound = {
      ...contributors,
      addresses: [...new Set(addresses)],
      approvers: listed.filter(({ user }) => rule.approvers.includes(user)),
      known: listKnownAddresses(identities, kind === "any" ? "any" : listKnownDomains(identities, kind)),
    };
    const leftOut: { user: string; why: ApproverRefusal }[] = [];
    const shown: { user: string; email: string }[] = [];
    for (const user of rule.approvers) {
      const isByGroup = needsMembership(groups?.lists, user);
      // Two accounts of one person count once, also where authors may approve: at several votes, and where one more
      // approver than the quorum breaks the glass.
      const isRead = !rule.authorMayApprove || rule.approvers.length > 1;
      if (!isRead && !isByGroup) continue;
      const profile = await fetchProfile(user);
      if (profile?.isGuest && isByGroup) {
        leftOut.push({ user, why: "guest" });
        continue;
      }
      if (!isRead) continue;
      if (profile?.email !== undefined) shown.push({ user, email: profile.email });
      if (rule.authorMayApprove) continue;
      // Slack is down: the vote looks the address up again.
      if (!profile && !bound.approvers.some((approver) => approver.user === user)) continue;
      const why = findRefusal(bound, { user, email: profile?.email });
      if (why !== undefined) leftOut.push({ user, why });
    }
    const samePerson = findSamePerson(identities, { listed: bound.approvers, shown });
    const { quorum } = computeQuorum({ rule, contributors, refused: leftOut, samePerson, identities });
    return {
      quorum,
      approvers: rule.approvers,
      contributors: {
        ...{ ...bound, leftOut, shown },
        ...(samePerson.length > 0 && { samePerson }),
        ...(groups && { groups }),
      },
    };

    /** Undefined: Slack did not respond, or refused. */
    async function fetchProfile(user: string) {
      try {
        return await fetchSlackProfile(slack, user);
      } catch (error) {
        warn(`could not read the Slack profile of ${user}`, error, { model });
        return undefined;
      }
    }
  };
export type ResolveApprovers = ReturnType<typeof resolveApprovers>;

const expandGroups = ({ lists, members }: ApproverGroups): readonly string[] =>
  expandApprovers(lists, new Map(members.map(({ group, users }) => [group, users])));

/** Each approver's profile is read, and the message names each. */
const maxApprovers = 50;

const findGroups = async (
  lists: readonly (readonly string[])[],
  readGroups: ReadGroups | undefined,
): Promise<ApproverGroups> => {
  if (!readGroups) throw new ContractBroken("a rule names user groups, and this world reads none");
  const members = [...(await readGroups(lists))].map(([group, users]) => ({ group, users: [...users] }));
  const groups = { lists: lists.map((list) => [...list]), members };
  const { length } = expandGroups(groups);
  if (length > maxApprovers)
    throw new QuorumOutOfReach(
      `the manifest and its policy name ${length} approvers with the members of their user groups (limit ${maxApprovers}): name a smaller group.`,
    );
  return groups;
};

type Voter = { readonly user: string; readonly email: string | undefined };
type VoteBasis = Pick<BoundContributors, "addresses" | "approvers" | "known">;

const findRefusal = (
  { addresses, approvers, known }: VoteBasis,
  { user, email: shown }: Voter,
): Exclude<ApproverRefusal, "guest"> | undefined => {
  const listed = approvers.find((approver) => approver.user === user)?.email;
  const emails = [listed, shown].flatMap((text) => (text === undefined ? [] : [canonicalizeEmail(text)]));
  if (emails.length === 0 || emails.includes(undefined)) return "no address";
  if (emails.some((email) => email !== undefined && addresses.includes(email))) return "contributor";
  // An approver whose Slack id is in the platform's map is known, even if Slack shows another address.
  const isUnknown =
    listed === undefined && known !== undefined && shown !== undefined && !isKnownAddress(known, shown);
  return isUnknown ? "unknown address" : undefined;
};

/** Undefined: the voter is not a contributor. `email` comes from Slack or AWS. */
export const describeContributorRefusal = (bound: VoteBasis, voter: Voter): string | undefined => {
  const refusal = findRefusal(bound, voter);
  switch (refusal) {
    case undefined:
      return undefined;
    case "no address":
      return "Slack shows no e-mail address for you, so you may be a contributor to this change. Ask the platform team to list your Slack id, or ask another approver.";
    case "unknown address":
      return "Your address in Slack is neither in the organisation's domains nor listed by the platform, so you may be a contributor to this change. Ask the platform team to list it or your Slack id (`slipway policy apply`, section identities), or ask another approver.";
    case "contributor":
      return "You contributed to this change, so you may not approve it: ask another approver.";
    default:
      return refusal satisfies never;
  }
};
