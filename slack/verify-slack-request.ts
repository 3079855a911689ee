import { createHmac, timingSafeEqual } from "node:crypto";
import { SlipwayError } from "#platform/errors/slipway-error.ts";

/** The request is not from Slack, or is too old. */
export class RequestRefused extends SlipwayError {
  override readonly name = "RequestRefused";
  override readonly retryable = false;
}

/** A request that is further away from our clock is a replay, or one of the clocks is wrong. */
const maxAgeSeconds = 300;

type RequestHeaders = Readonly<Record<string, string | undefined>>;

const findHeader = (headers: RequestHeaders, name: string): string =>
  Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1] ?? "";

/**
 * Checks what is known before the body arrives: the form of the signature, and the time. So no one can make the server
 * read a large body without Slack's headers.
 * @param now epoch seconds
 * Throws RequestRefused.
 */
export const verifySlackHeaders = ({
  headers,
  now,
}: {
  readonly headers: RequestHeaders;
  readonly now: number;
}): { readonly timestamp: string; readonly signature: string } => {
  const timestamp = findHeader(headers, "x-slack-request-timestamp");
  const signature = findHeader(headers, "x-slack-signature");
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(now - Number(timestamp)) > maxAgeSeconds)
    throw new RequestRefused("the request is too old or carries no time");
  if (!/^v0=[0-9a-f]{64}$/.test(signature)) throw new RequestRefused("the signature does not match");
  return { timestamp, signature };
};

/**
 * Verifies Slack's signature on the raw bytes (https://docs.slack.dev/authentication/verifying-requests-from-slack).
 * @param secrets one, or two during a rotation; never empty
 * @param now epoch seconds
 * Throws RequestRefused; its message does not help a forger.
 */
export const verifySlackRequest = ({
  rawBody,
  headers,
  secrets,
  now,
}: {
  readonly rawBody: Uint8Array;
  readonly headers: RequestHeaders;
  readonly secrets: readonly string[];
  readonly now: number;
}): void => {
  const usable = secrets.filter((secret) => secret.length > 0);
  if (usable.length === 0) throw new RequestRefused("no signing secret is configured");
  const { timestamp, signature } = verifySlackHeaders({ headers, now });
  const received = Buffer.from(signature, "utf8");
  const expected = usable.map((secret) =>
    Buffer.from(
      `v0=${createHmac("sha256", secret).update(`v0:${timestamp}:`).update(rawBody).digest("hex")}`,
      "utf8",
    ),
  );
  // Compare with every secret, so that the time does not show which one matches.
  const matches = expected.map(
    (candidate) => candidate.length === received.length && timingSafeEqual(candidate, received),
  );
  if (!matches.includes(true)) throw new RequestRefused("the signature does not match");
};
