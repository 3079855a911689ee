import { createHmac } from "node:crypto";

/**
 * Slack's request signature, version 0: `v0=` and the hex HMAC-SHA256 of `v0:<timestamp>:<raw body>`.
 * `timestamp`: epoch seconds, as in X-Slack-Request-Timestamp.
 * Source: https://docs.slack.dev/authentication/verifying-requests-from-slack
 */
export const signSlackRequest = (secret: string, timestamp: number, body: string): string =>
  `v0=${createHmac("sha256", secret).update(`v0:${timestamp}:${body}`).digest("hex")}`;
