import type { Rate } from "./rate.ts";

/** Seconds of the window that a key's burst counts in. */
export const windowSeconds = ({ perMinute, burst }: Rate): number => (burst / perMinute) * 60;
