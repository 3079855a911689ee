import { Readable } from "node:stream";

/** The same stream, with its errors converted. To destroy it destroys the inner one. */
export const convertStreamErrors = (inner: Readable, convert: (error: unknown) => unknown): Readable => {
  // An error after the last read has no reader, and would end the process.
  inner.on("error", () => undefined);
  const read = async function* () {
    try {
      yield* inner;
    } catch (error) {
      throw convert(error);
    }
  };
  const outer = Readable.from(read());
  outer.once("close", () => inner.destroy());
  return outer;
};
