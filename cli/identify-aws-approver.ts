import { GetCallerIdentityCommand, type STSClient } from "@aws-sdk/client-sts";
import { findPerson } from "#domain/approval/compute-quorum.ts";
import { fetchSlackEmail } from "#domain/approval/fetch-slack-email.ts";
import type { Identities } from "#domain/approval/identities.ts";
import { createIdentityResolver, listKnownDomains } from "#domain/approval/identity-resolver.ts";
import type { SlackApi } from "#slack/slack-channel.ts";
import type { Voter } from "./command-world.ts";
import { CallerUnknown } from "./identify-aws-caller.ts";
import { printError } from "./print.ts";

/** There is no proof that the caller is the Slack user of --as. */
export class NotAnApprover extends Error {
  override readonly name = "NotAnApprover";
}

type Needs = {
  readonly sts: STSClient;
  readonly slack: Pick<SlackApi, "users">;
  /** The platform's policy, whose `identities` map people to ARNs, addresses and Slack ids. */
  readonly policy: { readonly read: () => Promise<{ readonly identities: Identities }> };
};

/**
 * The approver who decides on the command line. AWS returns the caller's ARN; identity-resolver.ts maps it to a person, by
 * the same rule as for pushes, so a session name that anybody can choose proves nothing. The Slack user of --as must be
 * that person: by the platform's map, which works while Slack is down, or by the address that Slack shows.
 * Throws NotAnApprover with the remedy, CallerUnknown where AWS returns no ARN.
 */
export const identifyAwsApprover =
  ({ sts, slack, policy }: Needs) =>
  async (as: string): Promise<Voter> => {
    const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
    if (!Arn)
      throw new CallerUnknown(
        "AWS returned no identity for you: log in, then use the tooling account's --profile.",
      );
    const { identities } = await policy.read();
    const slackEmail = await readSlackEmail(slack, as);
    const listedEmail = Object.entries(identities.people).find(([, person]) => person.slack === as)?.[0];

    const domains = listKnownDomains(identities, "organisation");
    const caller = createIdentityResolver(identities, domains).authenticated(Arn);
    if (caller.kind !== "person")
      throw new NotAnApprover(
        `AWS identifies you as ${Arn}, which maps to no person (${caller.kind === "bot" ? "the policy lists it as a bot" : caller.why}). Log in with IAM Identity Center, or ask the platform team to list this ARN under your name: \`slipway policy apply\`, section identities, \`arns\`.`,
      );
    const emails = [listedEmail, slackEmail].filter((email) => email !== undefined);
    if (emails.length === 0)
      throw new NotAnApprover(
        `Slack does not confirm that ${as} is ${caller.email}, your identity in AWS. Try again when Slack responds, or ask the platform team to list your Slack id: \`slipway policy apply\`, section identities, \`slack\`.`,
      );
    if (emails.some((email) => findPerson(identities, email) !== caller.email))
      throw new NotAnApprover(
        `${as} is another person (${emails.join(", ")}) than ${caller.email}, your identity in AWS. Use --as with your own Slack user id. If both addresses are yours, ask the platform team to list both under your name: \`slipway policy apply\`, section identities, \`emails\`.`,
      );
    return {
      ...{ id: as, name: `${as} as ${caller.email}`, email: caller.email },
      ...{ via: "command", account: Arn },
    };
  };

/** The address that Slack shows for a user; undefined: none, or Slack is down, and this command is made for that. */
const readSlackEmail = async (slack: Needs["slack"], user: string): Promise<string | undefined> => {
  try {
    return await fetchSlackEmail(slack, user);
  } catch (error) {
    printError(
      `Slack returned no profile of ${user}: ${error instanceof Error ? error.message : String(error)}`,
    );
    return undefined;
  }
};
