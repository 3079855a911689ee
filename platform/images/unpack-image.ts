import { createReadStream, createWriteStream } from "node:fs";
import { copyFile, link, mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { extract, type Header } from "tar-stream";
import { ImageDamaged } from "./images.ts";
import { ImageManifest } from "./oci.ts";
import { type OciLayout, openOciLayout } from "./oci-layout.ts";

type Needs = {
  /** Folder of the OCI image layout. */
  readonly folder: string;
  /** Where unpacked images lie; made where it is missing. */
  readonly into: string;
};

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** The path that an entry of a layer may take, relative to the root. Links and devices have no place in a layer. */
const resolveEntryPath = ({ name, type }: Header): string => {
  const parts = name.replace(/\/$/, "").split("/");
  const plain = parts.every((part) => part !== "" && part !== "." && part !== ".." && !/[\\:\0]/.test(part));
  if (!plain) throw new ImageDamaged(`the layer holds a path that leads elsewhere: ${JSON.stringify(name)}`);
  if (type !== "file" && type !== "directory")
    throw new ImageDamaged(
      `the layer holds a ${type}, ${JSON.stringify(name)}: only files and folders belong there`,
    );
  return parts.join("/");
};

const unpackTar = async (blobs: OciLayout, digest: string, to: string): Promise<void> => {
  // First the whole digest: nothing that was not checked is read as a tar.
  await blobs.verify(digest);
  const tar = extract();
  const closed = new Promise<void>((resolve) => tar.once("close", resolve));
  const feed = async () => {
    for await (const chunk of createReadStream(blobs.path(digest), { highWaterMark: 1 << 20 })) {
      if (tar.destroyed) return;
      if (tar.write(chunk)) continue;
      await Promise.race([new Promise<void>((resolve) => tar.once("drain", resolve)), closed]);
    }
    tar.end(null);
  };
  const feeding = feed().catch((error: unknown) => {
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  for await (const entry of tar) {
    const path = join(to, resolveEntryPath(entry.header));
    if (entry.header.type === "directory") {
      await mkdir(path, { recursive: true });
      entry.resume();
      continue;
    }
    await mkdir(dirname(path), { recursive: true });
    // "wx": a layer that names a file twice would otherwise write over what is already there.
    await pipeline(entry, createWriteStream(path, { flags: "wx", mode: 0o444 }));
  }
  await feeding;
};

/** Lays the files of `from` into `to` without copying their bytes where the file system can link them. */
const linkTree = async (from: string, to: string): Promise<void> => {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) await linkTree(source, target);
    else await link(source, target).catch(() => copyFile(source, target));
  }
};

/** Makes a folder that is there whole or not at all; two that make it at once get the same one. */
const createWholeFolder = async (path: string, make: (into: string) => Promise<void>): Promise<string> => {
  if (await exists(path)) return path;
  await mkdir(dirname(path), { recursive: true });
  const temporary = await mkdtemp(`${path}.tmp-`);
  try {
    await make(temporary);
    await rename(temporary, path).catch(async (error: unknown) => {
      if (!(await exists(path))) throw error;
    });
    return path;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
};

/**
 * Gives an image's root folder, with its layers applied in order: `<root>/var/task/index.mjs`. Each layer is
 * unpacked once, checked against its digest, and linked into the images that share it.
 * Throws ImageNotFound, ImageDamaged.
 */
export const unpackImage = ({ folder, into }: Needs) => {
  const blobs = openOciLayout(folder);
  const hex = (digest: string) => digest.slice("sha256:".length);
  const under = new Map<string, Promise<string>>();

  const unpack = async (digest: string): Promise<string> => {
    const root = join(into, "images", hex(digest));
    const { layers } = ImageManifest.parse(JSON.parse((await blobs.read(digest)).toString("utf8")));
    return createWholeFolder(root, async (temporary) => {
      for (const layer of layers) {
        const unpacked = await createWholeFolder(join(into, "layers", hex(layer.digest)), (to) =>
          unpackTar(blobs, layer.digest, to),
        );
        await linkTree(unpacked, temporary);
      }
    });
  };

  return async (digest: string): Promise<string> => {
    const going = under.get(digest) ?? unpack(digest);
    under.set(digest, going);
    try {
      return await going;
    } finally {
      under.delete(digest);
    }
  };
};
