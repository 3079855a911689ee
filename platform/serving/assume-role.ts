import { AssumeRoleCommand, type STSClient } from "@aws-sdk/client-sts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";

type Needs = {
  readonly sts: STSClient;
  /** The role in the environment's account. */
  readonly roleArn: string;
  /** The role's trust policy requires it in addition to our identity. */
  readonly externalId: string;
  /** The execution's name: CloudTrail shows it for each call with the role. */
  readonly session: string;
  /** Epoch milliseconds. */
  readonly clock: () => number;
};

/** `credentials` for clients of the AWS SDK. */
export type AssumedRole = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
};

/** The role could not be assumed: its trust policy does not name the caller, or the external id is wrong. */
export class RoleNotAssumed extends SlipwayError {
  override readonly name = "RoleNotAssumed";
  override readonly retryable = false;
}

/** Refreshes credentials this long before they expire, so that they do not expire during a call. */
const refreshBeforeExpiryMs = 5 * 60_000;
const durationSeconds = 3_600;

/** STS allows 2 to 64 of these characters; an execution's name has up to 80. */
const toSessionName = (name: string): string => name.replace(/[^\w+=,.@-]/g, "-").slice(0, 64);

/**
 * Credentials of a role in another account, fetched at first use and cached until shortly before they expire.
 * Concurrent calls share one request. Throws RoleNotAssumed if STS denies it.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 */
export const assumeRole = (needs: Needs): (() => Promise<AssumedRole>) => {
  const { sts, roleArn, externalId, session, clock } = needs;
  let current: Promise<AssumedRole> | undefined;
  let endsAt = Number.NEGATIVE_INFINITY;

  const requestCredentials = async (): Promise<AssumedRole> => {
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
          `${roleArn} cannot be assumed: its trust policy must name the caller's role and this external id. ${error.message}`,
          { cause: error },
        );
      });
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
    if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration)
      throw new RoleNotAssumed(`STS returned no credentials for ${roleArn}`);
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
      const credentials = requestCredentials();
      current = credentials;
      endsAt = Number.POSITIVE_INFINITY;
      // Do not cache a refusal: the next call tries again.
      credentials.catch(() => {
        if (current === credentials) current = undefined;
      });
    }
    return current;
  };
};
