import type { Input } from "#model-folder/manifest/manifest.ts";

/** CRC-32 as PNG's chunks have it. Our own, because loading Node's zlib takes 5 ms of every model's cold start. */
const computeCrc = (bytes: Uint8Array): number => {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
};

const createChunk = (type: string, content: Uint8Array): Uint8Array => {
  const chunk = Buffer.alloc(12 + content.length);
  chunk.writeUInt32BE(content.length);
  chunk.write(type, 4, "latin1");
  chunk.set(content, 8);
  chunk.writeUInt32BE(computeCrc(chunk.subarray(4, 8 + content.length)), 8 + content.length);
  return chunk;
};

/** Zeros in zlib's form, in uncompressed blocks (RFC 1950, RFC 1951). */
const storeZeros = (length: number): Uint8Array => {
  const parts = [Buffer.from([0x78, 0x01])];
  for (let start = 0; start < length; start += 65_535) {
    const size = Math.min(65_535, length - start);
    const block = Buffer.alloc(5 + size);
    block[0] = start + size === length ? 1 : 0;
    block.writeUInt16LE(size, 1);
    block.writeUInt16LE(~size & 0xffff, 3);
    parts.push(block);
  }
  const adler = Buffer.alloc(4);
  adler.writeUInt32BE((length % 65_521) * 65_536 + 1);
  return Buffer.concat([...parts, adler]);
};

/** A black PNG as base64 that every model with this input must accept: of one pixel, or of the only size it takes. */
export const createSampleImage = ({
  resize,
  ...input
}: Pick<Input & { readonly type: "image" }, "resize" | "width" | "height">): string => {
  const { width, height } = resize === "none" ? input : { width: 1, height: 1 };
  // One bit of grey per pixel.
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    createChunk("IHDR", header),
    createChunk("IDAT", storeZeros(height * (Math.ceil(width / 8) + 1))),
    createChunk("IEND", new Uint8Array(0)),
  ]).toString("base64");
};
