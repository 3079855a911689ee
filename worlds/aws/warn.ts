import type { Warn } from "#domain/delivery/warn.ts";
import { log } from "./log.ts";
import { redactError } from "./redact-error.ts";

/** Writes one line for operators. What it is `about` stands beside the event's own keys: a sweep has many deliveries. */
export const warn: Warn = (sentence, fault, about = {}) => {
  log.warn(sentence, { ...about, fault: redactError(fault) });
};
