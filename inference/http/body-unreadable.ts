/** Why a body could not be read whole, where its length is not the reason. */
export class BodyUnreadable extends Error {
  override readonly name = "BodyUnreadable";
  /** `broken`: it ended early. `fragmented`: its chunks are too small. `no-room`: other bodies take all the memory. */
  readonly reason: "broken" | "fragmented" | "no-room";
  constructor(reason: BodyUnreadable["reason"], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Seconds after which a request that found no room may come again. */
export const retryAfterSeconds = 1;
