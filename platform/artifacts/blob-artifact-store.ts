import type { Blobs } from "#platform/blobs/blobs.ts";
import { convertStreamErrors } from "#platform/files/convert-stream-errors.ts";
import type { FileStream } from "#platform/files/file-content.ts";
import { ArtifactDiffers, ArtifactMissing, type ArtifactStore, toArtifactKey } from "./artifacts.ts";
import { measureStream } from "./measure-stream.ts";
import { verifyArtifact, verifyFile } from "./verify-artifact.ts";

/** Artefacts on one machine. A read of one is compared with its name. */
export const createBlobArtifactStore = ({
  blobs,
}: {
  readonly blobs: Pick<Blobs, "open" | "put">;
}): ArtifactStore => {
  const open = async function* (sha256: string, size: number) {
    const stream = await blobs.open(toArtifactKey(sha256));
    if (!stream)
      throw new ArtifactMissing(`${toArtifactKey(sha256)} was deleted: deliver again to store it again.`);
    const reference = { kind: "address", uri: toArtifactKey(sha256), sha256, size } as const;
    yield* verifyArtifact(
      convertStreamErrors(stream, (error) => error),
      reference,
      size,
    );
  };

  const measure = async (sha256: string) => {
    const stream = await blobs.open(toArtifactKey(sha256));
    return stream && measureStream(stream);
  };

  return {
    async keep(file) {
      const kept = await measure(file.sha256);
      if (kept === undefined)
        await blobs.put(toArtifactKey(file.sha256), verifyFile(file), {
          contentType: "application/octet-stream",
        });
      else if (kept.sha256 !== file.sha256)
        throw new ArtifactDiffers(
          `${toArtifactKey(file.sha256)} holds other bytes than its name says: find out who changed it, delete it, and deliver again.`,
        );
    },
    async find(sha256): Promise<FileStream | undefined> {
      const kept = await measure(sha256);
      if (kept === undefined) return undefined;
      return { sha256, size: kept.size, open: () => open(sha256, kept.size) };
    },
  };
};
