import type { IncomingMessage } from "node:http";
import type { BodyLease } from "./body-budget.ts";
import { BodyUnreadable } from "./body-unreadable.ts";

/** What a body's buffer begins with; it doubles from there. */
const firstCapacity = 64 * 1_024;
/**
 * Each chunk costs the event loop a callback, whatever its size: six million chunks of one byte take it ten seconds.
 * Networks cut a body into pieces of a kilobyte and more; clients that stream write lines.
 */
const fragmentLimits = { allowed: 256, leastAverageBytes: 16 };

/**
 * Leaves what follows with its sender, for it costs as much as what came. To pause the request is not enough: it goes on
 * reading until its own buffer is full, of 65,536 chunks of one byte.
 */
const stopReading = (incoming: IncomingMessage): void => {
  incoming.push = () => false;
  incoming._read = () => undefined;
  incoming.pause();
  incoming.socket.pause();
};

/**
 * A request's body in one buffer that grows by doubling, however many chunks it comes in; undefined as soon as it is
 * longer than `limit` bytes. Rejects with BodyUnreadable. A body that the lease has no room for is read no further.
 */
export const collectBody = (
  incoming: IncomingMessage,
  limit: number,
  lease: BodyLease,
): Promise<Uint8Array | undefined> =>
  new Promise((resolve, reject) => {
    const refuse = (reason: BodyUnreadable["reason"], message: string) =>
      reject(new BodyUnreadable(reason, message));
    const broken = () => {
      // The end of every connection comes by here.
      if (!incoming.readableEnded) refuse("broken", "the connection ended before the body did");
    };
    const announced = Number(incoming.headers["content-length"] ?? Number.NaN);
    if (announced > limit) return resolve(undefined);
    // Whoever went away before anybody read tells nobody a second time.
    if (incoming.destroyed) return broken();

    let memory = new ArrayBuffer(0);
    let buffer: Uint8Array = new Uint8Array(memory);
    let length = 0;
    let chunks = 0;
    let reading = true;
    const drop = () => {
      reading = false;
      memory.transfer(0);
      buffer = new Uint8Array(0);
      lease.end();
    };
    const grow = (needed: number): boolean => {
      const most = announced >= 0 ? announced : limit;
      const capacity = Math.min(Math.max(needed, firstCapacity, 2 * buffer.length), Math.max(needed, most));
      if (!lease.resize(capacity)) return false;
      // What was is freed by this and not by the garbage collector, which takes its time while bodies come in.
      memory = memory.transfer(capacity);
      buffer = new Uint8Array(memory);
      return true;
    };
    incoming.on("data", (chunk: Uint8Array) => {
      if (!reading) return;
      const before = length;
      length += chunk.length;
      chunks++;
      if (length > limit) {
        drop();
        return resolve(undefined);
      }
      if (chunks > fragmentLimits.allowed && length < chunks * fragmentLimits.leastAverageBytes) {
        drop();
        stopReading(incoming);
        return refuse("fragmented", `the body came in chunks of ${(length / chunks).toFixed(1)} bytes`);
      }
      // Most bodies are one chunk, which is kept as it is.
      if (before === 0 && chunk.length === announced && lease.resize(length)) {
        buffer = chunk;
        return;
      }
      length = before;
      if (before + chunk.length > buffer.length && !grow(before + chunk.length)) {
        drop();
        return refuse("no-room", "the bodies of other requests take all the memory there is for them");
      }
      buffer.set(chunk, before);
      length = before + chunk.length;
    });
    incoming.on("end", () => {
      if (reading) resolve(length === buffer.length ? buffer : buffer.subarray(0, length));
    });
    incoming.on("error", broken);
    incoming.on("close", broken);
  });
