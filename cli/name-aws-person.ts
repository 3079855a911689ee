import { GetCallerIdentityCommand, type STSClient } from "@aws-sdk/client-sts";
import type { LogWarning } from "#domain/delivery/log-warning.ts";

type Needs = {
  readonly sts: STSClient;
  /** The account on the caller's machine, which proves nothing. */
  readonly account: string;
  readonly warn: LogWarning;
};

/**
 * Who rolls back, for the ledger and the audit trail: the caller's ARN. Never throws, because nothing may stop a rollback: if
 * AWS does not say who it is, the account, and that AWS did not confirm it.
 */
export const nameAwsPerson =
  ({ sts, account, warn }: Needs) =>
  async (): Promise<string> => {
    try {
      const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
      if (Arn) return Arn;
    } catch (error) {
      warn("AWS did not say who you are, so the ledger names the account of this machine", error);
    }
    return `${account} (not confirmed by AWS)`;
  };
