import { GetCallerIdentityCommand, type STSClient } from "@aws-sdk/client-sts";
import { findPerson } from "#domain/approval/compute-quorum.ts";
import { fetchSlackEmail } from "#domain/approval/fetch-slack-email.ts";
import type { Identities } from "#domain/approval/identities.ts";
import { createIdentityResolver, listKnownDomains } from "#domain/approval/identity-resolver.ts";
import type { SlackApi } from "#slack/slack-channel.ts";
import { CallerUnknown } from "./aws-operator.ts";
import type { Voter } from "./command-world.ts";
import { printError } from "./print.ts";

/** Nobody vouches that the caller is the Slack user in whose name they answer. */
export class NotAnApprover extends Error {
  override readonly name = "NotAnApprover";
}

type Needs = {
  readonly sts: STSClient;
  readonly slack: Pick<SlackApi, "users">;
  /** The platform's copy, which says who is who. */
  readonly policy: { readonly read: () => Promise<{ readonly identities: Identities }> };
};

/**
 * Who answers a question at the command. AWS says by which ARN it knows the caller; whose that is, the same map and the
 * same rule say as for whoever pushes (identity-resolver.ts), so a session that somebody named at will is nobody's. The Slack user
 * has to be that person: by the platform's map, which needs no Slack, or by the address that Slack shows.
 * Throws NotAnApprover with the remedy, CallerUnknown where AWS names no caller.
 */
export const readAwsVoter =
  ({ sts, slack, policy }: Needs) =>
  async (as: string): Promise<Voter> => {
    const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
    if (!Arn)
      throw new CallerUnknown(
        "AWS does not say who you are: log in, and name the tooling account's --profile.",
      );
    const { identities } = await policy.read();
    const shown = await readSlackEmail(slack, as);
    const listed = Object.entries(identities.people).find(([, person]) => person.slack === as)?.[0];

    const domains = listKnownDomains(identities, "organisation");
    const caller = createIdentityResolver(identities, domains).authenticated(Arn);
    if (caller.kind !== "person")
      throw new NotAnApprover(
        `AWS knows you as ${Arn}, and nobody vouches for who that is (${caller.kind === "bot" ? "it is listed as a bot's" : caller.why}). Log in by IAM Identity Center, or have the platform team list this ARN under your name: \`slipway policy apply\`, section identities, \`arns\`.`,
      );
    const emails = [listed, shown].filter((email) => email !== undefined);
    if (emails.length === 0)
      throw new NotAnApprover(
        `Slack does not say that ${as} is ${caller.email}, whom AWS knows you as. Try again when it answers, or have the platform team list your Slack id: \`slipway policy apply\`, section identities, \`slack\`.`,
      );
    if (emails.some((email) => findPerson(identities, email) !== caller.email))
      throw new NotAnApprover(
        `${as} is another person (${emails.join(", ")}) than ${caller.email}, whom AWS knows you as. Name your own user with --as; if both are you, have the platform team list both addresses under your name: \`slipway policy apply\`, section identities, \`emails\`.`,
      );
    return { id: as, name: `${as} as ${caller.email}`, email: caller.email };
  };

/** The address that Slack shows for a user; undefined: it shows none, or does not answer, which is what the command is for. */
const readSlackEmail = async (slack: Needs["slack"], user: string): Promise<string | undefined> => {
  try {
    return await fetchSlackEmail(slack, user);
  } catch (error) {
    printError(`Slack did not say who ${user} is: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
};
