import { createReadStream } from "node:fs";
import { link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { toDataFolderError } from "#platform/errors/data-folder-unusable.ts";
import { computeSha256, hashStream } from "#platform/files/file-content.ts";
import { writeLocalFile } from "#platform/files/local-file.ts";
import { ImageDamaged, ImageNotFound } from "./images.ts";

export type OciBlob = { readonly digest: string; readonly size: number };

/** The age from which temporary files of killed processes are removed. */
const maxTemporaryAgeMs = 3_600_000;

const digestPattern = /^sha256:[0-9a-f]{64}$/;
export const computeDigest = (bytes: Uint8Array): string => `sha256:${computeSha256(bytes)}`;

const toDigestHex = (digest: string): string => {
  if (!digestPattern.test(digest)) throw new ImageNotFound(`invalid digest ${digest}`);
  return digest.slice("sha256:".length);
};

const createDamagedError = (path: string) =>
  new ImageDamaged(`${path} is damaged: remove it and build the image again`);

const readSize = async (path: string): Promise<number | undefined> => {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
};

/**
 * Blobs of an OCI image layout, `blobs/sha256/<hex>` under `folder`, and its other files. Every write is atomic: it goes
 * to a temporary file, which is then renamed.
 */
export const openOciLayout = (folder: string) => {
  const temporaryFolder = join(folder, "tmp");
  let count = 0;
  const createTemporaryPath = async () => {
    await mkdir(temporaryFolder, { recursive: true });
    return join(temporaryFolder, `${process.pid}-${count++}-${process.hrtime.bigint()}`);
  };
  const path = (digest: string) => join(folder, "blobs", "sha256", toDigestHex(digest));

  const moveIntoPlace = async (from: string, to: string): Promise<void> => {
    await mkdir(join(to, ".."), { recursive: true });
    await rename(from, to);
  };

  return {
    path,
    /** A path for a temporary file or folder, which `tidy` removes after a crash. */
    createTemporaryPath,
    /** Whether the blob exists with its full size; a write replaces a damaged one of another size. */
    has: async (blob: OciBlob): Promise<boolean> => (await readSize(path(blob.digest))) === blob.size,
    size: (digest: string): Promise<number | undefined> => readSize(path(digest)),

    /** Reads and verifies a small blob. Throws ImageNotFound, ImageDamaged. */
    async read(digest: string): Promise<Buffer> {
      const file = path(digest);
      if ((await readSize(file)) === undefined) throw new ImageNotFound(`there is no ${digest}`);
      const bytes = await readFile(file);
      if (computeDigest(bytes) !== digest) throw createDamagedError(file);
      return bytes;
    },

    async writeBytes(bytes: Uint8Array): Promise<OciBlob> {
      const blob = { digest: computeDigest(bytes), size: bytes.length };
      const to = path(blob.digest);
      // The size alone is no proof: someone may have put another file of the same size there.
      if ((await readSize(to)) === blob.size && computeDigest(await readFile(to)) === blob.digest)
        return blob;
      const from = await createTemporaryPath();
      await writeFile(from, bytes);
      await moveIntoPlace(from, to);
      return blob;
    },

    /** Stores a stream of unknown length and returns its digest and size. */
    async writeStream(stream: AsyncIterable<Uint8Array>): Promise<OciBlob> {
      const from = await createTemporaryPath();
      try {
        const { sha256, size } = await writeLocalFile(from, stream);
        const digest = `sha256:${sha256}`;
        await moveIntoPlace(from, path(digest));
        return { digest, size };
      } catch (error) {
        await rm(from, { force: true });
        throw toDataFolderError(folder, error);
      }
    },

    /** Verifies a blob of any size by its digest. Throws ImageNotFound, ImageDamaged. */
    async verify(digest: string): Promise<void> {
      const file = path(digest);
      if ((await readSize(file)) === undefined) throw new ImageNotFound(`there is no ${digest}`);
      const sha256 = await hashStream(createReadStream(file, { highWaterMark: 1 << 20 }));
      if (`sha256:${sha256}` !== digest) throw createDamagedError(file);
    },

    /** Writes or replaces a file of the layout outside `blobs/`. */
    async writeFile(name: string, text: string): Promise<void> {
      const from = await createTemporaryPath();
      await writeFile(from, text);
      await moveIntoPlace(from, join(folder, name));
    },

    /** Writes a file of the layout once: an existing file stays unchanged. */
    async writeNew(name: string, text: string): Promise<void> {
      const from = await createTemporaryPath();
      await writeFile(from, text);
      const to = join(folder, name);
      await mkdir(join(to, ".."), { recursive: true });
      try {
        // Unlike a rename, a link never replaces an existing file.
        await link(from, to);
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
      } finally {
        await rm(from, { force: true });
      }
    },

    /** Removes old temporary files of killed processes. `now`: epoch milliseconds. */
    async tidy(now: number): Promise<void> {
      const names = await readdir(temporaryFolder).catch(() => []);
      for (const name of names) {
        const file = join(temporaryFolder, name);
        const stats = await stat(file).catch(() => undefined);
        if (stats && now - stats.mtimeMs > maxTemporaryAgeMs)
          await rm(file, { force: true, recursive: true });
      }
    },
  };
};
export type OciLayout = ReturnType<typeof openOciLayout>;
