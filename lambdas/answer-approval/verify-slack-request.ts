import { createHmac, timingSafeEqual } from "node:crypto";
import { SlipwayError } from "#platform/errors/slipway-error.ts";

/** The request is not from Slack, not for this app, or too old: it is refused before a byte of it is parsed. */
export class RequestRefused extends SlipwayError {
  override readonly name = "RequestRefused";
  override readonly retryable = false;
}

/** Slack signs with the time; older or newer than this is a replay or a broken clock. */
const maxAgeSeconds = 300;

type RequestHeaders = Readonly<Record<string, string | undefined>>;

const findHeader = (headers: RequestHeaders, name: string): string =>
  Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1] ?? "";

/**
 * What can be said of a callback before its body is there: it carries a signature in Slack's form and was sent now.
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
 * @param secrets one, or two while they are rotated; never empty
 * @param now epoch seconds
 * Throws RequestRefused with a reason that tells a forger nothing.
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
  const given = Buffer.from(signature, "utf8");
  const signed = usable.map((secret) =>
    Buffer.from(
      `v0=${createHmac("sha256", secret).update(`v0:${timestamp}:`).update(rawBody).digest("hex")}`,
      "utf8",
    ),
  );
  // Every secret is compared, so that the time taken does not tell which one matched.
  const matches = signed.map(
    (expected) => expected.length === given.length && timingSafeEqual(expected, given),
  );
  if (!matches.includes(true)) throw new RequestRefused("the signature does not match");
};
