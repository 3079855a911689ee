import { createHash } from "node:crypto";

/** SHA-256 (hexadecimal) and bytes of a stream. */
export const measureStream = async (
  stream: AsyncIterable<Uint8Array>,
): Promise<{ readonly sha256: string; readonly size: number }> => {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of stream) {
    hash.update(chunk);
    size += chunk.byteLength;
  }
  return { sha256: hash.digest("hex"), size };
};
