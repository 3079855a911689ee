import { AssumeRoleCommand, type STSClient } from "@aws-sdk/client-sts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";

type Needs = {
  readonly sts: STSClient;
  /** The role in the environment's account. */
  readonly roleArn: string;
  /** What that role's trust policy asks for beside our own identity. */
  readonly externalId: string;
  /** The execution's name: it stands in CloudTrail beside each call that is made under the role. */
  readonly session: string;
  /** Epoch milliseconds. */
  readonly clock: () => number;
};

/** What clients of the AWS SDK take as `credentials`. */
export type AssumedRole = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
};

/** The role could not be assumed: its trust policy does not name us, or the external id is another. */
export class RoleNotAssumed extends SlipwayError {
  override readonly name = "RoleNotAssumed";
  override readonly retryable = false;
}

/** New ones are asked for so long before the old ones end, in milliseconds: no call starts with a minute left. */
const refreshBeforeExpiryMs = 5 * 60_000;
const durationSeconds = 3_600;

/** STS allows 2 to 64 of these characters; an execution's name may have 80. */
const toSessionName = (name: string): string => name.replace(/[^\w+=,.@-]/g, "-").slice(0, 64);

/**
 * Credentials of a role in another account, fetched when first needed and kept until shortly before they end.
 * Many calls at once share one request. Throws RoleNotAssumed where STS denies it.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 */
export const assumeRole = (needs: Needs): (() => Promise<AssumedRole>) => {
  const { sts, roleArn, externalId, session, clock } = needs;
  let current: Promise<AssumedRole> | undefined;
  let endsAt = Number.NEGATIVE_INFINITY;

  const ask = async (): Promise<AssumedRole> => {
    const { Credentials } = await sts
      .send(
        new AssumeRoleCommand({
          RoleArn: roleArn,
          ExternalId: externalId,
          RoleSessionName: toSessionName(session),
          DurationSeconds: durationSeconds,
        }),
      )
      .catch((error: unknown) => {
        if (!(error instanceof Error && error.name === "AccessDenied")) throw error;
        throw new RoleNotAssumed(
          `${roleArn} cannot be assumed: see that its trust policy names the caller's role and this external id. ${error.message}`,
          { cause: error },
        );
      });
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
    if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration)
      throw new RoleNotAssumed(`STS gave no credentials for ${roleArn}`);
    endsAt = Expiration.getTime();
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      expiration: Expiration,
    };
  };

  return () => {
    if (current === undefined || clock() > endsAt - refreshBeforeExpiryMs) {
      const asked = ask();
      current = asked;
      endsAt = Number.POSITIVE_INFINITY;
      // A refusal is not kept: the next call asks again.
      asked.catch(() => {
        if (current === asked) current = undefined;
      });
    }
    return current;
  };
};
