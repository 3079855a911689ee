import { GetCallerIdentityCommand, type STSClient } from "@aws-sdk/client-sts";
import type { Operator } from "#domain/policy/platform-policy.ts";

/** AWS did not say who the caller is. */
export class CallerUnknown extends Error {
  override readonly name = "CallerUnknown";
}

/**
 * Who writes the platform's policy, by what AWS says of the caller: her user id is `aws:userid`, in whose partition
 * alone IAM lets her sign. Throws CallerUnknown.
 */
export const readAwsOperator =
  ({ sts }: { readonly sts: STSClient }) =>
  async (): Promise<Operator> => {
    const { UserId, Arn } = await sts.send(new GetCallerIdentityCommand({}));
    if (!UserId || !Arn)
      throw new CallerUnknown(
        "AWS does not say who you are: log in, and name the tooling account's --profile.",
      );
    return { id: UserId, name: Arn };
  };
