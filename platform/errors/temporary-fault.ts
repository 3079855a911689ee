/** A retry may succeed: the state machine retries steps that end with this error. */
export class TemporaryFault extends Error {
  override readonly name = "TemporaryFault";
}
