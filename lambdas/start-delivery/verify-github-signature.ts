import { createHmac, timingSafeEqual } from "node:crypto";

/**
 * Whether GitHub signed exactly these bytes: `sha256=` and the hex HMAC, in constant time.
 * https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 * @param secrets one, or two during a rotation; an empty one never matches
 */
export const verifyGitHubSignature = (
  rawBody: Uint8Array,
  signature: string | undefined,
  secrets: readonly string[],
): boolean => {
  const actual = Buffer.from(signature ?? "", "utf8");
  // Every secret is compared, so that the time does not reveal which one matched.
  const matches = secrets
    .filter((secret) => secret.length > 0)
    .map((secret) => {
      const expected = Buffer.from(
        `sha256=${createHmac("sha256", secret).update(rawBody).digest("hex")}`,
        "utf8",
      );
      return expected.length === actual.length && timingSafeEqual(expected, actual);
    });
  return matches.includes(true);
};
