import type { Readable } from "node:stream";

export type TimeLimits = {
  /** Milliseconds until an answer begins, and between two chunks. */
  readonly idleMs: number;
  /** Milliseconds for all chunks: a host that sends one byte after the other is never idle. */
  readonly totalMs: number;
};

/** A build on AWS ends after 25 minutes. */
export const defaultTimeLimits: TimeLimits = { idleMs: 30_000, totalMs: 15 * 60_000 };

/** The same chunks, or the error that `createError` gives for the limit that was exceeded. Destroys the stream at its end. */
export const limitTime = async function* (
  stream: Readable,
  { idleMs, totalMs }: TimeLimits,
  createError: (limit: string) => Error,
): AsyncGenerator<Uint8Array, void, undefined> {
  const stop = (limit: string) => () => void stream.destroy(createError(limit));
  const total = setTimeout(stop(`not read to its end within ${totalMs / 1_000} s`), totalMs);
  const idle = setTimeout(stop(`sent nothing for ${idleMs / 1_000} s`), idleMs);
  try {
    for await (const chunk of stream) {
      idle.refresh();
      yield chunk;
    }
  } finally {
    clearTimeout(total);
    clearTimeout(idle);
    stream.destroy();
  }
};
