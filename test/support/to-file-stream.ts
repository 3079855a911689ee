import { computeSha256, type FileStream, streamContent } from "#platform/files/file-content.ts";

/** Bytes as a file that is streamed. */
export const toFileStream = (bytes: Uint8Array): FileStream => ({
  size: bytes.byteLength,
  sha256: computeSha256(bytes),
  open: () => streamContent(bytes),
});
