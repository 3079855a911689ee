import { GetCallerIdentityCommand, type STSClient } from "@aws-sdk/client-sts";
import type { Operator } from "#domain/policy/platform-policy.ts";

/** AWS returned no identity for the caller. */
export class CallerUnknown extends Error {
  override readonly name = "CallerUnknown";
}

/**
 * The person who changes the platform's policy, as AWS identifies the caller. The id is `aws:userid`, because IAM lets
 * a caller write only under its own `aws:userid`. Throws CallerUnknown.
 */
export const identifyAwsCaller =
  ({ sts }: { readonly sts: STSClient }) =>
  async (): Promise<Operator> => {
    const { UserId, Arn } = await sts.send(new GetCallerIdentityCommand({}));
    if (!UserId || !Arn)
      throw new CallerUnknown(
        "AWS returned no identity for you: log in, then use the tooling account's --profile.",
      );
    return { id: UserId, name: Arn };
  };
