import type { LogWarning } from "#domain/delivery/log-warning.ts";
import { log } from "./log.ts";
import { redactError } from "./redact-error.ts";

/** Writes one line for operators. What it is `about` stands beside the event's own keys: a sweep has many deliveries. */
export const warn: LogWarning = (sentence, fault, about = {}) => {
  log.warn(sentence, { ...about, fault: redactError(fault) });
};
