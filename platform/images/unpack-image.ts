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
  /** Folder for unpacked images; created if missing. */
  readonly into: string;
};

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** The path of a layer's entry, relative to the root. Throws ImageDamaged for unsafe paths, links and devices. */
const resolveEntryPath = ({ name, type }: Header): string => {
  const parts = name.replace(/\/$/, "").split("/");
  const isSafe = parts.every((part) => part !== "" && part !== "." && part !== ".." && !/[\\:\0]/.test(part));
  if (!isSafe) throw new ImageDamaged(`the layer contains an unsafe path: ${JSON.stringify(name)}`);
  if (type !== "file" && type !== "directory")
    throw new ImageDamaged(
      `the layer contains a ${type}, ${JSON.stringify(name)}: only files and folders are allowed`,
    );
  return parts.join("/");
};

const unpackTar = async (blobs: OciLayout, digest: string, to: string): Promise<void> => {
  // Verify the digest first: the tar parser must not read unverified bytes.
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
    // "wx" refuses a layer that contains a file twice.
    await pipeline(entry, createWriteStream(path, { flags: "wx", mode: 0o444 }));
  }
  await feeding;
};

/** Links the files of `from` into `to`, or copies them if the file system has no links. */
const linkTree = async (from: string, to: string): Promise<void> => {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) await linkTree(source, target);
    else await link(source, target).catch(() => copyFile(source, target));
  }
};

/** Creates a folder atomically; concurrent callers get the same folder. */
const createWholeFolder = async (path: string, fill: (folder: string) => Promise<void>): Promise<string> => {
  if (await exists(path)) return path;
  await mkdir(dirname(path), { recursive: true });
  const temporary = await mkdtemp(`${path}.tmp-`);
  try {
    await fill(temporary);
    await rename(temporary, path).catch(async (error: unknown) => {
      if (!(await exists(path))) throw error;
    });
    return path;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
};

/**
 * Returns an image's root folder with its layers applied in order: `<root>/var/task/index.mjs`. Each layer is verified
 * and unpacked once, then linked into the images that share it.
 * Throws ImageNotFound, ImageDamaged.
 */
export const unpackImage = ({ folder, into }: Needs) => {
  const blobs = openOciLayout(folder);
  const hex = (digest: string) => digest.slice("sha256:".length);
  const inProgress = new Map<string, Promise<string>>();

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
    const root = inProgress.get(digest) ?? unpack(digest);
    inProgress.set(digest, root);
    try {
      return await root;
    } finally {
      inProgress.delete(digest);
    }
  };
};
