import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { toDataFolderError } from "#platform/store/data-folder-unusable.ts";
import { ImageDamaged, ImageNotFound } from "./images.ts";

export type OciBlob = { readonly digest: string; readonly size: number };

/** Leftovers of a process that was killed are removed once they are this old. */
const leftoverMs = 3_600_000;

const digestPattern = /^sha256:[0-9a-f]{64}$/;
export const computeDigest = (bytes: Uint8Array): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

const toDigestHex = (digest: string): string => {
  if (!digestPattern.test(digest)) throw new ImageNotFound(`${digest} is no digest`);
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
 * Blobs of an OCI image layout, `blobs/sha256/<hex>` under `folder`, and other files that appear whole or not
 * at all: everything is written beside its place and renamed into it.
 */
export const openOciLayout = (folder: string) => {
  const temporary = join(folder, "tmp");
  let made = 0;
  const newTemporary = async () => {
    await mkdir(temporary, { recursive: true });
    return join(temporary, `${process.pid}-${made++}-${process.hrtime.bigint()}`);
  };
  const path = (digest: string) => join(folder, "blobs", "sha256", toDigestHex(digest));

  const place = async (from: string, to: string): Promise<void> => {
    await mkdir(join(to, ".."), { recursive: true });
    await rename(from, to);
  };

  return {
    path,
    /** Whether the whole blob is there; one of another size is a damaged one, which a write replaces. */
    has: async (blob: OciBlob): Promise<boolean> => (await readSize(path(blob.digest))) === blob.size,
    size: (digest: string): Promise<number | undefined> => readSize(path(digest)),

    /** A small blob's content, checked. Throws ImageNotFound, ImageDamaged. */
    async read(digest: string): Promise<Buffer> {
      const at = path(digest);
      if ((await readSize(at)) === undefined) throw new ImageNotFound(`there is no ${digest}`);
      const bytes = await readFile(at);
      if (computeDigest(bytes) !== digest) throw createDamagedError(at);
      return bytes;
    },

    async writeBytes(bytes: Uint8Array): Promise<OciBlob> {
      const blob = { digest: computeDigest(bytes), size: bytes.length };
      const to = path(blob.digest);
      // Compared by content: another file of the same size may have been put there.
      if ((await readSize(to)) === blob.size && computeDigest(await readFile(to)) === blob.digest)
        return blob;
      const from = await newTemporary();
      await writeFile(from, bytes);
      await place(from, to);
      return blob;
    },

    /** Stores a stream of unknown length and says what it was. */
    async writeStream(stream: AsyncIterable<Uint8Array>): Promise<OciBlob> {
      const from = await newTemporary();
      const hash = createHash("sha256");
      let size = 0;
      const counted = async function* () {
        for await (const chunk of stream) {
          hash.update(chunk);
          size += chunk.length;
          yield chunk;
        }
      };
      try {
        await pipeline(counted, createWriteStream(from));
        const digest = `sha256:${hash.digest("hex")}`;
        await place(from, path(digest));
        return { digest, size };
      } catch (error) {
        await rm(from, { force: true });
        throw toDataFolderError(folder, error);
      }
    },

    /** Checks a blob of any size against its digest. Throws ImageNotFound, ImageDamaged. */
    async verify(digest: string): Promise<void> {
      const at = path(digest);
      if ((await readSize(at)) === undefined) throw new ImageNotFound(`there is no ${digest}`);
      const hash = createHash("sha256");
      for await (const chunk of createReadStream(at, { highWaterMark: 1 << 20 })) hash.update(chunk);
      if (`sha256:${hash.digest("hex")}` !== digest) throw createDamagedError(at);
    },

    /** A file of the layout that is no blob, replaced as a whole. */
    async writeFile(name: string, text: string): Promise<void> {
      const from = await newTemporary();
      await writeFile(from, text);
      await place(from, join(folder, name));
    },

    /** A file of the layout that is written once: one that is there stays as it is. */
    async writeNew(name: string, text: string): Promise<void> {
      const from = await newTemporary();
      await writeFile(from, text);
      const to = join(folder, name);
      await mkdir(join(to, ".."), { recursive: true });
      try {
        // Unlike a rename, a link never takes the place of another file.
        await link(from, to);
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
      } finally {
        await rm(from, { force: true });
      }
    },

    /** Removes what processes that were killed left half-written. `now`: epoch milliseconds. */
    async tidy(now: number): Promise<void> {
      const names = await readdir(temporary).catch(() => []);
      for (const name of names) {
        const at = join(temporary, name);
        const found = await stat(at).catch(() => undefined);
        if (found && now - found.mtimeMs > leftoverMs) await rm(at, { force: true, recursive: true });
      }
    },
  };
};
export type OciLayout = ReturnType<typeof openOciLayout>;
