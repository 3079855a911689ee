import { getOwnProperty } from "#untrusted/get-own-property.ts";

/** Limits of one method: `perMinute` as a steady rate, `burst` at once. */
export type SlackRate = { readonly perMinute: number; readonly burst: number };

/**
 * Slack's limits for the desk's methods: one message per second and channel with "short bursts", tier 3 (50 per minute) for
 * edits, tier 4 (100 per minute) for dialogs. Slack does not document the burst; 25 was measured
 * (RamblingCookieMonster/PSSlack issue 52).
 * Source: https://docs.slack.dev/apis/web-api/rate-limits
 */
export const slackRates: Readonly<Record<string, SlackRate>> = {
  "chat.postMessage": { perMinute: 60, burst: 25 },
  "chat.postEphemeral": { perMinute: 100, burst: 100 },
  "chat.update": { perMinute: 50, burst: 50 },
  "views.open": { perMinute: 100, burst: 100 },
};

/** A leaky bucket per method and channel. Returns undefined where the call may pass, otherwise whole seconds to wait. */
export const createSlackRateLimit = ({
  clock,
  rates,
}: {
  readonly clock: () => number;
  readonly rates: Readonly<Record<string, SlackRate>>;
}) => {
  const buckets = new Map<string, { level: number; at: number }>();
  return (method: string, channel: string): number | undefined => {
    const rate = getOwnProperty(rates, method);
    if (rate === undefined) return undefined;
    const key = `${method} ${channel}`;
    const now = clock();
    const { level, at } = buckets.get(key) ?? { level: 0, at: now };
    const left = Math.max(0, level - ((now - at) / 60_000) * rate.perMinute);
    if (left + 1 > rate.burst) {
      buckets.set(key, { level: left, at: now });
      return Math.max(1, Math.ceil(((left + 1 - rate.burst) / rate.perMinute) * 60));
    }
    buckets.set(key, { level: left + 1, at: now });
    return undefined;
  };
};
