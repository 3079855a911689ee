import { GetCallerIdentityCommand, type STSClient } from "@aws-sdk/client-sts";
import * as z from "zod";
import type { SlackApi } from "../platform/slack/slack-channel.ts";
import type { Voter } from "./open-world.ts";
import { printError } from "./print.ts";

/** Slack knows the user that was named by another address than AWS knows the caller by. */
export class NotYou extends Error {
  override readonly name = "NotYou";
}

const User = z.object({
  user: z.object({ profile: z.object({ email: z.string().optional() }).optional() }).optional(),
});

/**
 * Who answers a question at the command. AWS vouches for the caller; where her session bears an e-mail address (as
 * IAM Identity Center names sessions), that address is hers, and a Slack user who has another is not she: NotYou. Slack
 * may be down, which is what the command is for: then the user that she names is taken, and the record says both.
 */
export const awsVoter =
  ({ sts, slack }: { readonly sts: STSClient; readonly slack: Pick<SlackApi, "users"> }) =>
  async (as: string): Promise<Voter> => {
    const { Arn = "" } = await sts.send(new GetCallerIdentityCommand({}));
    const session = Arn.split("/").at(-1) ?? Arn;
    const inSlack = await slack.users.info({ user: as }).then(
      (answer) => User.parse(answer).user?.profile?.email,
      (fault: unknown) => {
        printError(
          `Slack did not say who ${as} is: ${fault instanceof Error ? fault.message : String(fault)}`,
        );
        return undefined;
      },
    );
    const name = `${as} as ${session}`;
    if (!session.includes("@"))
      return inSlack === undefined ? { id: as, name } : { id: as, name, email: inSlack };
    if (inSlack !== undefined && inSlack.toLowerCase() !== session.toLowerCase())
      throw new NotYou(
        `${as} is another person in Slack than ${session}, whom AWS knows you as: name your own user.`,
      );
    return { id: as, name, email: session };
  };
