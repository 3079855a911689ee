/** A body could not be read completely, for a reason other than its length. */
export class BodyUnreadable extends Error {
  override readonly name = "BodyUnreadable";
  /** `broken`: it ended early. `fragmented`: its chunks are too small. `no-room`: other bodies use all the memory. */
  readonly reason: "broken" | "fragmented" | "no-room";
  constructor(reason: BodyUnreadable["reason"], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Seconds after which a client may retry when the server is overloaded. */
export const retryAfterSeconds = 1;
