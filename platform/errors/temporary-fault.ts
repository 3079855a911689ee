/** Another try may succeed: the state machine retries what ends with this. */
export class TemporaryFault extends Error {
  override readonly name = "TemporaryFault";
}
