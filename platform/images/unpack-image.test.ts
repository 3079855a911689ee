import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pack } from "tar-stream";
import { afterEach, expect, test } from "vitest";
import { ImageDamaged, ImageNotFound } from "./images.ts";
import { openOciLayout } from "./oci-layout.ts";
import { packLayer } from "./pack-layer.ts";
import { unpackImage } from "./unpack-image.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanups.splice(0)) await step();
});

const prepareLayout = async () => {
  const folder = await mkdtemp(join(tmpdir(), "slipway-unpack-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  const blobs = openOciLayout(folder);
  const into = join(folder, "unpacked");
  const image = async (...layers: AsyncIterable<Uint8Array>[]) => {
    const descriptors = [];
    for (const layer of layers) descriptors.push({ mediaType: "tar", ...(await blobs.writeStream(layer)) });
    const config = { mediaType: "config", ...(await blobs.writeBytes(Buffer.from("{}"))) };
    const manifest = await blobs.writeBytes(Buffer.from(JSON.stringify({ config, layers: descriptors })));
    return { digest: manifest.digest, layers: descriptors };
  };
  return { blobs, into, image, unpack: unpackImage({ folder, into }) };
};
const createLayer = (files: Record<string, string>) =>
  packLayer(new Map(Object.entries(files).map(([path, text]) => [path, async () => Buffer.from(text)])));
const createTar = (header: { name: string; type?: "symlink" | "link" | "file"; linkname?: string }) => {
  const tar = pack();
  if (header.type && header.type !== "file") tar.entry(header);
  else tar.entry({ ...header, mode: 0o644 }, "content");
  tar.finalize();
  return Readable.from(tar);
};

test("layers are applied in one root, and a shared layer is linked, not copied", async () => {
  const { image, unpack } = await prepareLayout();
  const runtime = { "var/task/index.mjs": "runtime" };
  const [imageA, imageB] = [
    await image(createLayer(runtime), createLayer({ "var/task/model/a": "1" })),
    await image(createLayer(runtime), createLayer({ "var/task/model/a": "2" })),
  ];
  const [first, second] = [await unpack(imageA.digest), await unpack(imageB.digest)];

  const models = [first, second].map((root) => readFile(join(root, "var/task/model/a"), "utf8"));
  expect(await Promise.all(models)).toEqual(["1", "2"]);
  const inodes = await Promise.all([first, second].map((root) => stat(join(root, "var/task/index.mjs"))));
  expect(inodes[0]?.ino).toBe(inodes[1]?.ino);
});

test("repeated and concurrent unpacking of an image returns one folder and leaves no temporary files", async () => {
  const { image, unpack, into } = await prepareLayout();
  const { digest } = await image(createLayer({ a: "1" }));
  const again = unpackImage({ folder: join(into, ".."), into });
  const roots = await Promise.all([unpack(digest), unpack(digest), again(digest)]);
  expect(new Set([...roots, await unpack(digest)]).size).toBe(1);
  expect(await readdir(join(into, "images"))).toHaveLength(1);
  expect(await readdir(join(into, "layers"))).toHaveLength(1);
});

test.each([
  { name: "../outside" },
  { name: "a/../../outside" },
  { name: "/etc/outside" },
  { name: "./a" },
  { name: "a\\..\\b" },
  { name: "link", type: "symlink", linkname: "/etc/passwd" },
  { name: "link", type: "link", linkname: "/etc/passwd" },
] as const)("a layer with %j is refused and leaves no files", async (header) => {
  const { image, unpack, into } = await prepareLayout();
  const { digest } = await image(createTar(header));
  await expect(unpack(digest)).rejects.toThrow(ImageDamaged);
  expect(await readdir(join(into, "images"))).toEqual([]);
  expect(await readdir(join(into, "layers"))).toEqual([]);
});

test("a layer with changed bytes is refused before unpacking", async () => {
  const { image, unpack, blobs, into } = await prepareLayout();
  const { digest, layers } = await image(createLayer({ a: "1" }));
  const path = blobs.path(layers[0]?.digest ?? "");
  const bytes = await readFile(path);
  bytes[600] = 88;
  await chmod(path, 0o644);
  await writeFile(path, bytes);
  await expect(unpack(digest)).rejects.toThrow(/is damaged: remove it and build the image again/);
  expect(await readdir(join(into, "layers"))).toEqual([]);
});

test("a missing image is ImageNotFound", async () => {
  const { unpack } = await prepareLayout();
  await expect(unpack(`sha256:${"0".repeat(64)}`)).rejects.toThrow(ImageNotFound);
  await expect(unpack("latest")).rejects.toThrow(ImageNotFound);
});

test("equal files give equal tars regardless of their order", async () => {
  const { blobs } = await prepareLayout();
  const sorted = await blobs.writeStream(createLayer({ "b/c": "2", a: "1", "b.d": "3" }));
  const unsorted = await blobs.writeStream(createLayer({ "b.d": "3", a: "1", "b/c": "2" }));
  expect(unsorted).toEqual(sorted);
});

test("a layer with an unreadable file is not stored", async () => {
  const { blobs } = await prepareLayout();
  const broken = packLayer(new Map([["a", async () => Promise.reject(new Error("gone"))]]));
  await expect(blobs.writeStream(broken)).rejects.toThrow("gone");
});
