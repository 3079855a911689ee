import type { Socket } from "node:net";

/** What goes over a pipe in one piece: a document, and bytes that stay bytes. */
type Frame = { readonly head: unknown; readonly bytes: Uint8Array };

const prefixBytes = 8;
/** More than any body, answer or record has. What says that it is longer is no frame. */
const maxFrameBytes = 256 * 1_024 * 1_024;

/** Writes a frame: the lengths of both parts (4 bytes each, big-endian), the document as JSON, the bytes as they are. */
export const writeFrame = (pipe: Socket, head: unknown, bytes: Uint8Array = new Uint8Array(0)): void => {
  const json = Buffer.from(JSON.stringify(head));
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32BE(json.length, 0);
  prefix.writeUInt32BE(bytes.length, 4);
  pipe.cork();
  pipe.write(prefix);
  pipe.write(json);
  if (bytes.length > 0) pipe.write(bytes);
  pipe.uncork();
};

/**
 * Cuts what arrives into frames, each in one buffer of its own size. `onBroken` is told once where what arrives is no
 * frame; nothing is read after that.
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
  let broken = false;

  const begin = (): boolean => {
    jsonLength = prefix.readUInt32BE(0);
    const length = jsonLength + prefix.readUInt32BE(4);
    if (length > maxFrameBytes) return false;
    buffer = Buffer.allocUnsafeSlow(length);
    filled = 0;
    return true;
  };
  const end = (whole: Buffer): void => {
    buffer = undefined;
    prefixFilled = 0;
    onFrame({
      head: JSON.parse(whole.toString("utf8", 0, jsonLength)),
      bytes: new Uint8Array(whole.buffer, whole.byteOffset + jsonLength, whole.length - jsonLength),
    });
  };
  const take = (chunk: Buffer): void => {
    let from = 0;
    while (from < chunk.length) {
      if (!buffer) {
        const copied = chunk.copy(prefix, prefixFilled, from, from + prefixBytes - prefixFilled);
        prefixFilled += copied;
        from += copied;
        if (prefixFilled < prefixBytes) return;
        if (!begin()) throw new RangeError("a frame of too many bytes");
      }
      if (!buffer) return;
      const copied = chunk.copy(buffer, filled, from);
      filled += copied;
      from += copied;
      if (filled === buffer.length) end(buffer);
    }
  };
  pipe.on("data", (chunk: Buffer) => {
    if (broken) return;
    try {
      take(chunk);
    } catch (error) {
      broken = true;
      onBroken(error instanceof Error ? error : new Error(String(error)));
    }
  });
};
