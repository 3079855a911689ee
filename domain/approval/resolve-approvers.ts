import * as z from "zod";
import type { Warn } from "#domain/delivery/warn.ts";
import type { ApprovalRule } from "#model-folder/manifest/manifest.ts";
import { canonicalizeEmail } from "./canonicalize-email.ts";
import { type ApproverRefusal, computeQuorum } from "./compute-quorum.ts";
import { Contributors } from "./derive-contributors.ts";
import { fetchSlackEmail, type SlackUsers } from "./fetch-slack-email.ts";
import { findContributors, type FindContributorsDependencies as HistoryNeeds } from "./find-contributors.ts";
import type { Identities } from "./identities.ts";
import { listKnownDomains } from "./identity-resolver.ts";
import { isKnownAddress, KnownAddresses, listKnownAddresses } from "./known-addresses.ts";

/** What a question is bound to of those who made the change. */
export const BoundContributors = Contributors.extend({
  /** Every address of each contributor, by the platform's map. */
  addresses: z.array(z.string()),
  /** Addresses of approvers that the platform's map knows by their Slack id. */
  approvers: z.array(z.object({ user: z.string(), email: z.string() })),
  /** Approvers who may not answer, by the addresses that were known when the question was asked: what the message shows. */
  leftOut: z
    .array(z.object({ user: z.string(), why: z.enum(["contributor", "no address", "unknown address"]) }))
    .default([]),
  /** Whose addresses count when a vote comes. Absent in records from before it was kept: those count all. */
  known: KnownAddresses.optional(),
});
export type BoundContributors = z.infer<typeof BoundContributors>;

type ResolveApproversDependencies = HistoryNeeds & {
  readonly policy: { readonly read: () => Promise<{ readonly identities: Identities }> };
  readonly slack: SlackUsers;
  readonly warn: Warn;
  /**
   * Whether addresses have to be the organisation's. Not on one machine: the people of the desk are made up, and whoever
   * commits there has an address of their own.
   */
  readonly addresses: "organisation" | "any";
};

/**
 * Who made a change and how many approvals it needs, before anybody is asked. Throws QuorumOutOfReach where the approvers
 * cannot reach them.
 */
export const resolveApprovers =
  ({ policy, slack, warn, addresses: kind, ...history }: ResolveApproversDependencies) =>
  async (change: {
    readonly delivery: string;
    readonly model: string;
    readonly commit: string;
    readonly pusher: string | null;
    readonly rule: ApprovalRule;
  }): Promise<{ readonly quorum: number; readonly contributors: BoundContributors }> => {
    const { rule, delivery, model, commit, pusher } = change;
    const { identities } = await policy.read();
    const listed = Object.entries(identities.people).flatMap(([email, { slack: user }]) =>
      user === undefined ? [] : [{ user, email }],
    );
    const found = await findContributors(history)({
      delivery,
      model,
      commit,
      pusher,
      identities,
      addresses: kind,
    });
    const addresses = found.people.flatMap((person) => [
      person,
      ...(Object.entries(identities.people).find(([email]) => email === person)?.[1].emails ?? []),
    ]);
    const bound = {
      ...found,
      addresses: [...new Set(addresses)],
      approvers: listed.filter(({ user }) => rule.approvers.includes(user)),
      known: listKnownAddresses(identities, kind === "any" ? "any" : listKnownDomains(identities, kind)),
    };
    const leftOut: { user: string; why: ApproverRefusal }[] = [];
    for (const user of rule.authorMayApprove ? [] : rule.approvers) {
      const mapped = listed.find((person) => person.user === user)?.email;
      const email = mapped ?? (await askSlack(user));
      // Slack did not answer, so it may be known at the vote.
      const why = email === "unknown" ? undefined : findRefusal(bound, { user, email });
      if (why !== undefined) leftOut.push({ user, why });
    }
    const { quorum } = computeQuorum({ rule, contributors: found, refused: leftOut, identities });
    return { quorum, contributors: { ...bound, leftOut } };

    async function askSlack(user: string): Promise<string | undefined> {
      try {
        return await fetchSlackEmail(slack, user);
      } catch (error) {
        // Slack may be down; the vote, which may come by the command, asks again.
        warn(`Slack did not say who ${user} is`, error, { model });
        return "unknown";
      }
    }
  };
export type ResolveApprovers = ReturnType<typeof resolveApprovers>;

type Voter = { readonly user: string; readonly email: string | undefined };
type VoteBasis = Pick<BoundContributors, "addresses" | "approvers" | "known">;

const findRefusal = (
  { addresses, approvers, known }: VoteBasis,
  { user, email: shown }: Voter,
): ApproverRefusal | undefined => {
  const listed = approvers.find((approver) => approver.user === user)?.email;
  const emails = [listed, shown].flatMap((text) => (text === undefined ? [] : [canonicalizeEmail(text)]));
  if (emails.length === 0 || emails.includes(undefined)) return "no address";
  if (emails.some((email) => email !== undefined && addresses.includes(email))) return "contributor";
  // Whose Slack id the platform's map lists is known by it, whatever Slack shows.
  const isUnknown =
    listed === undefined && known !== undefined && shown !== undefined && !isKnownAddress(known, shown);
  return isUnknown ? "unknown address" : undefined;
};

/** Why a person may not approve the change; undefined: they had no part in it. `email`: as Slack or AWS knows it. */
export const describeContributorRefusal = (bound: VoteBasis, voter: Voter): string | undefined => {
  const refusal = findRefusal(bound, voter);
  switch (refusal) {
    case undefined:
      return undefined;
    case "no address":
      return "Slack shows no e-mail address for you, so it is not certain that you did not make this change. Ask the platform team to list your Slack id, or let another approver answer.";
    case "unknown address":
      return "The address that Slack shows for you is neither in the organisation's domains nor listed by the platform, so it is not certain that you did not make this change. Ask the platform team to list it, or your Slack id (`slipway policy apply`, section identities), or let another approver answer.";
    case "contributor":
      return "You made a part of this change, so you may not approve it: another approver has to answer.";
    default:
      return refusal satisfies never;
  }
};
