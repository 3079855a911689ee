import type { LogWarning } from "#domain/delivery/log-warning.ts";
import { log } from "./log.ts";
import { redactError } from "./redact-error.ts";

/** Writes one line for operators. `about` adds keys to those of the event, because a sweep has many deliveries. */
export const warn: LogWarning = (message, error, about = {}) => {
  log.warn(message, { ...about, fault: redactError(error) });
};
