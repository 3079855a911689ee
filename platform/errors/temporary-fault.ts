import { SlipwayError } from "./slipway-error.ts";

/** Another try may succeed: the state machine retries what ends with this. */
export class TemporaryFault extends SlipwayError {
  override readonly name = "TemporaryFault";
  override readonly retryable = true;
}
