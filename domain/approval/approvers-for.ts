import * as z from "zod";
import type { ApprovalRule } from "../../inference/manifest/manifest.ts";
import type { Warn } from "../warn.ts";
import { type ApproverEmail, assessApprovers } from "./assess-approvers.ts";
import { canonicalEmail } from "./canonical-email.ts";
import { Contributors } from "./contributors.ts";
import { findContributors, type Needs as HistoryNeeds } from "./find-contributors.ts";
import type { Identities } from "./identities.ts";
import { type SlackUsers, shownEmail } from "./shown-email.ts";

/** What a question is bound to of those who made the change. */
export const BoundContributors = Contributors.extend({
  /** Every address of each contributor, by the platform's map. */
  addresses: z.array(z.string()),
  /** Addresses of approvers that the platform's map knows by their Slack id. */
  approvers: z.array(z.object({ user: z.string(), email: z.string() })),
  /** Approvers who may not answer, by the addresses that were known when the question was asked: what the message shows. */
  leftOut: z.array(z.object({ user: z.string(), why: z.enum(["contributor", "no address"]) })).default([]),
});
export type BoundContributors = z.infer<typeof BoundContributors>;

export type Needs = HistoryNeeds & {
  readonly policy: { readonly read: () => Promise<{ readonly identities: Identities }> };
  readonly slack: SlackUsers;
  readonly warn: Warn;
  /**
   * Whether an approver's address tells the organisation's domain. Not on one machine: the people of the desk are made
   * up, and whoever commits there has an address of their own.
   */
  readonly addresses: "organisation" | "any";
};

/**
 * Who made a change and how many approvals it needs, before anybody is asked. Throws QuorumOutOfReach where the approvers
 * cannot reach them.
 */
export const approversFor =
  ({ policy, slack, warn, addresses: known, ...history }: Needs) =>
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
    const approvers: ApproverEmail[] = [];
    for (const user of rule.approvers) {
      const mapped = listed.find((person) => person.user === user)?.email;
      approvers.push({ user, email: mapped ?? (await askSlack(user)) });
    }
    const found = await findContributors(history)({
      delivery,
      model,
      commit,
      pusher,
      identities,
      approverEmails:
        known === "any"
          ? "any"
          : approvers.flatMap(({ email }) => (email === undefined || email === "unknown" ? [] : email)),
    });
    const { quorum } = assessApprovers({ rule, contributors: found, approvers, identities });
    const addresses = found.people.flatMap((person) => [
      person,
      ...(Object.entries(identities.people).find(([email]) => email === person)?.[1].emails ?? []),
    ]);
    const bound = {
      ...found,
      addresses: [...new Set(addresses)],
      approvers: listed.filter(({ user }) => rule.approvers.includes(user)),
    };
    const leftOut = approvers.flatMap(({ user, email }) => {
      // Slack did not answer, so it may be known at the vote.
      if (rule.authorMayApprove || email === "unknown") return [];
      const why = refusalOf(bound, { user, email });
      return why === undefined ? [] : [{ user, why }];
    });
    return { quorum, contributors: { ...bound, leftOut } };

    async function askSlack(user: string): Promise<string | undefined> {
      try {
        return await shownEmail(slack, user);
      } catch (error) {
        // Slack may be down; the vote, which may come by the command, asks again.
        warn(`Slack did not say who ${user} is`, error, { model });
        return "unknown";
      }
    }
  };
export type ApproversFor = ReturnType<typeof approversFor>;

type Voter = { readonly user: string; readonly email: string | undefined };
type Bound = Pick<BoundContributors, "addresses" | "approvers">;

const refusalOf = (
  { addresses, approvers }: Bound,
  { user, email: shown }: Voter,
): "contributor" | "no address" | undefined => {
  const listed = approvers.find((approver) => approver.user === user)?.email;
  const emails = [listed, shown].flatMap((text) => (text === undefined ? [] : [canonicalEmail(text)]));
  if (emails.length === 0 || emails.includes(undefined)) return "no address";
  return emails.some((email) => email !== undefined && addresses.includes(email)) ? "contributor" : undefined;
};

/** Why a person may not approve the change; undefined: they had no part in it. `email`: as Slack or AWS knows it. */
export const whyContributor = (bound: Bound, voter: Voter): string | undefined => {
  const refusal = refusalOf(bound, voter);
  switch (refusal) {
    case undefined:
      return undefined;
    case "no address":
      return "Slack shows no e-mail address for you, so it is not certain that you did not make this change. Ask the platform team to list your Slack id, or let another approver answer.";
    case "contributor":
      return "You made a part of this change, so you may not approve it: another approver has to answer.";
    default:
      return refusal satisfies never;
  }
};
