import type { RateLimit } from "./rate-limit.ts";

/** Seconds of the window that a key's burst counts in. Alone in its file: the cold start of predict loads no schema. */
export const windowSeconds = ({ perMinute, burst }: RateLimit): number => (burst / perMinute) * 60;
