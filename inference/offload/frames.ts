import type { Socket } from "node:net";
import { freeMemory } from "#inference/http/free-memory.ts";

/** A message over a pipe: a JSON document and binary data, in memory of its own, which its reader may free (freeMemory). */
type Frame = { readonly head: unknown; readonly bytes: Uint8Array };

const prefixBytes = 8;
/** Larger than any body, response or record: a frame that claims more is invalid. */
const maxFrameBytes = 256 * 1_024 * 1_024;

/**
 * Writes a frame: the lengths of both parts (4 bytes each, big-endian), the document as JSON, the binary data.
 * @param onWritten called when the system has copied the binary data; not, if there is none
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

/** Splits the incoming bytes into frames. At the first invalid frame it calls `onBroken` and stops reading. */
export const readFrames = (
  pipe: Socket,
  onFrame: (frame: Frame) => void,
  onBroken: (error: Error) => void,
): void => {
  const prefix = Buffer.alloc(prefixBytes);
  let prefixFilled = 0;
  /** The parts of the present frame: the document, then the binary data. */
  let parts: { readonly json: Buffer; readonly bytes: Buffer } | undefined;
  let filled = 0;
  let isBroken = false;

  const startFrame = (): typeof parts => {
    const jsonLength = prefix.readUInt32BE(0);
    const length = prefix.readUInt32BE(4);
    if (jsonLength + length > maxFrameBytes) throw new RangeError("the frame is too large");
    filled = 0;
    return { json: Buffer.allocUnsafeSlow(jsonLength), bytes: Buffer.allocUnsafeSlow(length) };
  };
  const endFrame = ({ json, bytes }: NonNullable<typeof parts>): void => {
    parts = undefined;
    prefixFilled = 0;
    onFrame({
      head: JSON.parse(json.toString()),
      bytes: new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length),
    });
  };
  const readChunk = (chunk: Buffer): void => {
    let offset = 0;
    while (offset < chunk.length) {
      if (!parts) {
        const copied = chunk.copy(prefix, prefixFilled, offset, offset + prefixBytes - prefixFilled);
        prefixFilled += copied;
        offset += copied;
        if (prefixFilled < prefixBytes) return;
        parts = startFrame();
      }
      if (!parts) return;
      const { json, bytes } = parts;
      const copied =
        filled < json.length
          ? chunk.copy(json, filled, offset)
          : chunk.copy(bytes, filled - json.length, offset);
      filled += copied;
      offset += copied;
      if (filled === json.length + bytes.length) endFrame(parts);
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
