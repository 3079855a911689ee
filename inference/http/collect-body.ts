import type { IncomingMessage } from "node:http";
import type { BodyLease } from "./body-budget.ts";
import { BodyUnreadable } from "./body-unreadable.ts";
import { freeMemory } from "./free-memory.ts";

/** The first size of a body's buffer; it doubles from there. */
const firstCapacity = 64 * 1_024;
/** From one eighth of an announced body on, its buffer has the announced size. */
const announcedShare = 8;
/**
 * Each chunk costs the event loop a callback: six million chunks of one byte take ten seconds. Networks split a body into
 * chunks of a kilobyte or more; streaming clients write lines.
 */
const fragmentLimits = { allowed: 256, minAverageBytes: 16 };

/**
 * Stops reading from the socket. Pausing the request is not enough: it would go on until its own buffer is full, which is
 * 65,536 chunks of one byte.
 */
const stopReading = (incoming: IncomingMessage): void => {
  incoming.push = () => false;
  incoming._read = () => undefined;
  incoming.pause();
  incoming.socket.pause();
};

/**
 * Collects a request's body in one buffer that grows by doubling, and then to the announced size. Resolves to undefined as soon as the body is longer than
 * `limit` bytes. Rejects with BodyUnreadable; it stops reading a body that exceeds the memory budget.
 */
export const collectBody = (
  incoming: IncomingMessage,
  limit: number,
  lease: BodyLease,
): Promise<Uint8Array | undefined> =>
  new Promise((resolve, reject) => {
    const refuse = (reason: BodyUnreadable["reason"], message: string) =>
      reject(new BodyUnreadable(reason, message));
    const handleClose = () => {
      // Every connection closes, usually after the complete body.
      if (!incoming.readableEnded) refuse("broken", "the connection ended before the body did");
    };
    const announced = Number(incoming.headers["content-length"] ?? Number.NaN);
    if (announced > limit) return resolve(undefined);
    // A request that was closed before emits no second close event.
    if (incoming.destroyed) return handleClose();

    let buffer: Uint8Array = new Uint8Array(0);
    let leased = 0;
    let length = 0;
    let chunks = 0;
    let isReading = true;
    const drop = () => {
      isReading = false;
      freeMemory(buffer);
      buffer = new Uint8Array(0);
      lease.end();
    };
    /** The budget grows by doubling with what has arrived, not with what was announced. */
    const extendLease = (needed: number): boolean => {
      if (needed <= leased) return true;
      const maximum = announced >= 0 ? announced : limit;
      const bytes = Math.min(Math.max(needed, firstCapacity, 2 * leased), Math.max(needed, maximum));
      if (!lease.resize(bytes)) return false;
      leased = bytes;
      return true;
    };
    const grow = (needed: number): boolean => {
      if (!extendLease(needed)) return false;
      // The system gives memory to pages that are written: the rest of the announced size costs nothing, and no copies.
      const capacity = announcedShare * leased >= announced ? Math.max(leased, announced) : leased;
      const larger = Buffer.allocUnsafeSlow(capacity);
      larger.set(buffer.subarray(0, length));
      // Frees it at once; the garbage collector would be too late under load.
      freeMemory(buffer);
      buffer = larger;
      return true;
    };
    incoming.on("data", (chunk: Uint8Array) => {
      if (!isReading) return;
      const previousLength = length;
      length += chunk.length;
      chunks++;
      if (length > limit) {
        drop();
        return resolve(undefined);
      }
      if (chunks > fragmentLimits.allowed && length < chunks * fragmentLimits.minAverageBytes) {
        drop();
        stopReading(incoming);
        return refuse("fragmented", `the body came in chunks of ${(length / chunks).toFixed(1)} bytes`);
      }
      // Most bodies are a single chunk, which needs no copy.
      if (previousLength === 0 && chunk.length === announced && lease.resize(length)) {
        buffer = chunk;
        return;
      }
      length = previousLength;
      const needed = length + chunk.length;
      if (!(needed <= buffer.length ? extendLease(needed) : grow(needed))) {
        drop();
        return refuse("no-room", "the bodies of other requests use all the memory for bodies");
      }
      buffer.set(chunk, length);
      length += chunk.length;
      freeMemory(chunk);
    });
    incoming.on("end", () => {
      if (isReading) resolve(length === buffer.length ? buffer : buffer.subarray(0, length));
    });
    incoming.on("error", handleClose);
    incoming.on("close", handleClose);
  });
