import { createHmac, timingSafeEqual } from "node:crypto";

/**
 * Whether GitHub signed these very bytes: `sha256=` and the hex HMAC, in constant time.
 * https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 * @param secrets one, or two while they are rotated; an empty one signs for nobody
 */
export const verifyGitHubSignature = (
  rawBody: Uint8Array,
  signature: string | undefined,
  secrets: readonly string[],
): boolean => {
  const given = Buffer.from(signature ?? "", "utf8");
  // Every secret is compared, so that the time taken does not tell which one matched.
  const matches = secrets
    .filter((secret) => secret.length > 0)
    .map((secret) => {
      const expected = Buffer.from(
        `sha256=${createHmac("sha256", secret).update(rawBody).digest("hex")}`,
        "utf8",
      );
      return expected.length === given.length && timingSafeEqual(expected, given);
    });
  return matches.includes(true);
};
