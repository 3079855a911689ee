import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as z from "zod";
import type { OciLayout } from "./oci-layout.ts";
import { computeDigest } from "./oci-layout.ts";
import { packLayer } from "./pack-layer.ts";

/** Where the native library of an image runs: Lambda's two, and a Mac for the rehearsal. */
export const platforms = ["linux/x64", "linux/arm64", "darwin/arm64"] as const;
export type Platform = (typeof platforms)[number];

/** The platform of this machine, or undefined where there is no image for it. */
export const detectPlatform = (): Platform | undefined =>
  platforms.find((platform) => platform === `${process.platform}/${process.arch}`);

const Package = z.object({ name: z.string(), version: z.string(), license: z.string().optional() });
export type Package = z.infer<typeof Package>;

const Layer = z.object({ digest: z.string(), size: z.number(), packages: z.array(Package) });
/** The layer that all models share; its digest is the hash of the runtime that deliveries carry. */
export type RuntimeLayer = z.infer<typeof Layer>;

type Needs = {
  readonly blobs: OciLayout;
  /** Folder of the image layout: what was packed before is remembered there. */
  readonly folder: string;
  readonly platform: Platform;
  /** The bundled function: file name in /var/task to content, and the packages in it. */
  readonly bundle: () => Promise<{
    readonly files: ReadonlyMap<string, Uint8Array>;
    readonly packages: readonly Package[];
  }>;
};

type PackageFile = { readonly path: string; readonly source: string; readonly stamp: string };

/** Changes when the way of packing changes, so that nothing packed the old way is found again. */
const packingVersion = 1;

const listPackageFiles = async (
  folder: string,
  wanted: (path: string) => boolean,
): Promise<PackageFile[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((source) => wanted(source.slice(folder.length + 1).replaceAll("\\", "/")));
  return Promise.all(
    files.map(async (source) => {
      const { size, mtimeMs } = await stat(source);
      const path = source.slice(folder.length + 1).replaceAll("\\", "/");
      return { path, source, stamp: `${size} ${mtimeMs}` };
    }),
  );
};

/** onnxruntime's files that a function on this platform loads: 46 MB of 288. */
const listNativeFiles = async (platform: Platform) => {
  const require = createRequire(import.meta.url);
  const node = dirname(require.resolve("onnxruntime-node/package.json"));
  // Its package.json is not among its exports, so it is found from its entry dist/cjs/index.js.
  const common = dirname(
    dirname(dirname(createRequire(join(node, "package.json")).resolve("onnxruntime-common"))),
  );
  const code = (folder: string) => (path: string) =>
    path === "package.json" || (path.startsWith(folder) && /\.(js|json)$/.test(path));
  const native = new RegExp(`^bin/napi-v\\d+/${platform}/`);
  const packages = await Promise.all(
    [
      { folder: node, wanted: (path: string) => code("dist/")(path) || native.test(path) },
      { folder: common, wanted: code("dist/cjs/") },
    ].map(async ({ folder, wanted }) => {
      const about = Package.parse(JSON.parse(await readFile(join(folder, "package.json"), "utf8")));
      const files = (await listPackageFiles(folder, wanted)).map((file) => ({
        ...file,
        path: `var/task/node_modules/${about.name}/${file.path}`,
      }));
      return { about, files };
    }),
  );
  return {
    packages: packages.map(({ about }) => about),
    files: packages.flatMap(({ files }) => files).sort((a, b) => (a.path < b.path ? -1 : 1)),
  };
};

/**
 * Packs the runtime layer: the bundled function and onnxruntime for one platform. A layer of the same bundle and
 * the same package files (by size and time of change) is named again without reading or hashing them; an image is
 * built of one that was packed anew.
 */
export const createRuntimeLayer = ({ blobs, folder, platform, bundle }: Needs) => {
  const find = async (packAgain: boolean): Promise<RuntimeLayer> => {
    const [bundled, native] = await Promise.all([bundle(), listNativeFiles(platform)]);
    const bundledFiles = [...bundled.files].sort(([a], [b]) => (a < b ? -1 : 1));
    const key = createHash("sha256")
      .update(
        JSON.stringify([
          packingVersion,
          platform,
          bundledFiles.map(([name, bytes]) => [name, computeDigest(bytes)]),
          native.files.map(({ path, stamp }) => [path, stamp]),
          bundled.packages,
          native.packages,
        ]),
      )
      .digest("hex");
    const remembered = `runtimes/${key}.json`;
    const found = await readFile(join(folder, remembered), "utf8").catch(() => undefined);
    const layer = found === undefined ? undefined : Layer.parse(JSON.parse(found));
    if (!packAgain && layer && (await blobs.has(layer))) return layer;
    const files = new Map<string, () => Promise<Uint8Array>>();
    files.set("var/task/package.json", async () => Buffer.from('{"private":true,"type":"module"}\n'));
    for (const [name, bytes] of bundledFiles) files.set(`var/task/${name}`, async () => bytes);
    for (const { path, source } of native.files) files.set(path, () => readFile(source));
    const packages = new Map(
      [...bundled.packages, ...native.packages].map((one) => [`${one.name}@${one.version}`, one]),
    );
    const packed = {
      // It takes the place of whatever lay under its digest.
      ...(await blobs.writeStream(packLayer(files))),
      packages: [...packages.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one),
    };
    await blobs.writeFile(remembered, JSON.stringify(packed));
    return packed;
  };
  return {
    platform,
    /** The layer as remembered: good to say which runtime is at hand. */
    current: () => find(false),
    /** The layer packed anew, whatever is remembered: what an image is built of. */
    packed: () => find(true),
  };
};
