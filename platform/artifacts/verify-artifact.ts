import { createHash } from "node:crypto";
import type { FileStream } from "#platform/files/file-content.ts";
import { ArtifactDiffers, type ArtifactReference, ArtifactTooLarge, toArtifactKey } from "./artifacts.ts";

/** A message's name for an artefact; without a query, which may be a signature. */
const describeArtifact = (reference: ArtifactReference): string =>
  reference.kind === "lfs" ? `the Git LFS object of ${reference.file}` : reference.uri.replace(/\?.*$/s, "");

/** Rounded up, so that a size above a limit never reads as the limit. */
const formatSize = (bytes: number): string =>
  bytes < 1e6 ? `${bytes.toLocaleString("en")} bytes` : `${Math.ceil(bytes / 1e5) / 10} MB`;

/** Throws ArtifactTooLarge. `size`: bytes. */
export const assertArtifactSize = (reference: ArtifactReference, size: number, maxBytes: number): void => {
  if (size > maxBytes)
    throw new ArtifactTooLarge(
      `${describeArtifact(reference)} has ${formatSize(size)} or more (limit ${formatSize(maxBytes)}): export a smaller model, or ask the platform team to raise artifacts.maxBytes in the policy.`,
    );
};

/**
 * The same chunks. The last one waits until size and hash of all of them are known, so that nobody uses what differs.
 * Throws ArtifactDiffers and ArtifactTooLarge.
 */
export const verifyArtifact = async function* (
  stream: AsyncIterable<Uint8Array>,
  reference: ArtifactReference,
  maxBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { sha256, size } = reference;
  const hash = createHash("sha256");
  const createSizeError = (found: string) =>
    new ArtifactDiffers(
      `${describeArtifact(reference)} has ${found}, but the commit says ${size} bytes: commit the size and sha256 of the file that is there, or put the right file there.`,
    );
  let read = 0;
  let last: Uint8Array | undefined;
  for await (const chunk of stream) {
    read += chunk.byteLength;
    assertArtifactSize(reference, read, maxBytes);
    if (size !== undefined && read > size) throw createSizeError("more bytes");
    hash.update(chunk);
    if (last) yield last;
    last = chunk;
  }
  if (size !== undefined && read !== size) throw createSizeError(`${read} bytes`);
  const found = hash.digest("hex");
  if (found !== sha256)
    throw new ArtifactDiffers(
      `${describeArtifact(reference)} has the SHA-256 ${found}, but the commit says ${sha256}: commit the hash of the file that is there, or put the right file there.`,
    );
  if (last) yield last;
};

/** The same file, with an error for a reader of other bytes. */
export const verifyFile = (file: FileStream): FileStream => {
  const { sha256, size } = file;
  const reference = { kind: "address", uri: toArtifactKey(sha256), sha256, size } as const;
  return { ...file, open: () => verifyArtifact(file.open(), reference, size) };
};
