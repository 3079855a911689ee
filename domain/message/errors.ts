import { SlipwayError } from "#platform/errors/slipway-error.ts";

/** Slack did not take a message. The error's message says why and what to do, for the log and for `slipway approvals`. */
export class MessageRefused extends SlipwayError {
  override readonly name = "MessageRefused";
  override readonly retryable = false;
}

/** Slack did not say whether it took a message: it may have. The error's message says why and what to do. */
export class MessageUnconfirmed extends SlipwayError {
  override readonly name = "MessageUnconfirmed";
  override readonly retryable = false;
}

/** The message is not in Slack any more: somebody deleted it, or its channel is given up. */
export class MessageGone extends SlipwayError {
  override readonly name = "MessageGone";
  override readonly retryable = false;
}
