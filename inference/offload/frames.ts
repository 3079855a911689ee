import type { Socket } from "node:net";
import { freeMemory } from "#inference/http/free-memory.ts";

/** A message over a pipe: a JSON document and binary data. */
type Frame = { readonly head: unknown; readonly bytes: Uint8Array };

const prefixBytes = 8;
/** Larger than any body, response or record: a frame that claims more is invalid. */
const maxFrameBytes = 256 * 1_024 * 1_024;

/**
 * Writes a frame: the lengths of both parts (4 bytes each, big-endian), the document as JSON, the binary data.
 * @param onWritten called when the system has copied the binary data
 */
export const writeFrame = (
  pipe: Socket,
  head: unknown,
  bytes: Uint8Array = new Uint8Array(0),
  onWritten?: () => void,
): void => {
  const json = Buffer.from(JSON.stringify(head));
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32BE(json.length, 0);
  prefix.writeUInt32BE(bytes.length, 4);
  pipe.cork();
  pipe.write(prefix);
  pipe.write(json);
  if (bytes.length > 0) pipe.write(bytes, (error) => error || onWritten?.());
  pipe.uncork();
};

/**
 * Splits the incoming bytes into frames, each in a buffer of its exact size. At the first invalid frame it calls `onBroken`
 * and stops reading.
 */
export const readFrames = (
  pipe: Socket,
  onFrame: (frame: Frame) => void,
  onBroken: (error: Error) => void,
): void => {
  const prefix = Buffer.alloc(prefixBytes);
  let prefixFilled = 0;
  let jsonLength = 0;
  let buffer: Buffer | undefined;
  let filled = 0;
  let isBroken = false;

  const startFrame = (): boolean => {
    jsonLength = prefix.readUInt32BE(0);
    const length = jsonLength + prefix.readUInt32BE(4);
    if (length > maxFrameBytes) return false;
    buffer = Buffer.allocUnsafeSlow(length);
    filled = 0;
    return true;
  };
  const endFrame = (frame: Buffer): void => {
    buffer = undefined;
    prefixFilled = 0;
    onFrame({
      head: JSON.parse(frame.toString("utf8", 0, jsonLength)),
      bytes: new Uint8Array(frame.buffer, frame.byteOffset + jsonLength, frame.length - jsonLength),
    });
  };
  const readChunk = (chunk: Buffer): void => {
    let offset = 0;
    while (offset < chunk.length) {
      if (!buffer) {
        const copied = chunk.copy(prefix, prefixFilled, offset, offset + prefixBytes - prefixFilled);
        prefixFilled += copied;
        offset += copied;
        if (prefixFilled < prefixBytes) return;
        if (!startFrame()) throw new RangeError("the frame is too large");
      }
      if (!buffer) return;
      const copied = chunk.copy(buffer, filled, offset);
      filled += copied;
      offset += copied;
      if (filled === buffer.length) endFrame(buffer);
    }
  };
  pipe.on("data", (chunk: Buffer) => {
    if (isBroken) return;
    try {
      readChunk(chunk);
      freeMemory(chunk);
    } catch (error) {
      isBroken = true;
      onBroken(error instanceof Error ? error : new Error(String(error)));
    }
  });
};
