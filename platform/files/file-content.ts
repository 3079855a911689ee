import { createHash } from "node:crypto";

/** A file that can be streamed any number of times, and whose hash is known. */
export type FileStream = {
  /** Bytes. */
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
  /** The bytes in chunks; throws before the last chunk if they differ from size and hash. */
  open(): AsyncIterable<Uint8Array>;
};

/** Bytes, or a file that is streamed when it is needed: an artefact may be larger than a function's memory. */
export type FileContent = Uint8Array | FileStream;

/** The SHA-256 of a stream, hexadecimal. */
export const hashStream = async (stream: AsyncIterable<Uint8Array>): Promise<string> => {
  const hash = createHash("sha256");
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest("hex");
};

/** The SHA-256 of a file's content, hexadecimal. */
export const computeSha256 = (content: FileContent): string =>
  content instanceof Uint8Array ? createHash("sha256").update(content).digest("hex") : content.sha256;

/** Bytes. */
export const measureSize = (content: FileContent): number =>
  content instanceof Uint8Array ? content.byteLength : content.size;

/** The bytes in chunks. Throws the error of `FileStream.open`. */
export const streamContent = (content: FileContent): AsyncIterable<Uint8Array> => {
  if (!(content instanceof Uint8Array)) return content.open();
  const streamBytes = async function* () {
    yield content;
  };
  return streamBytes();
};

/** All of the bytes; only for content that must be small. Throws the error of `FileStream.open`. */
export const readContent = async (content: FileContent): Promise<Uint8Array> => {
  if (content instanceof Uint8Array) return content;
  const chunks: Uint8Array[] = [];
  for await (const chunk of content.open()) chunks.push(chunk);
  return Buffer.concat(chunks);
};
