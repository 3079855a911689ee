import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as z from "zod";
import type { OciLayout } from "./oci-layout.ts";
import { computeDigest } from "./oci-layout.ts";
import { packLayer } from "./pack-layer.ts";

/** Platforms of an image's native library: Lambda's two, and macOS for the embedded world. */
export const platforms = ["linux/x64", "linux/arm64", "darwin/arm64"] as const;
export type Platform = (typeof platforms)[number];

/** This machine's platform; undefined if no image supports it. */
export const detectPlatform = (): Platform | undefined =>
  platforms.find((platform) => platform === `${process.platform}/${process.arch}`);

const Package = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string().optional(),
  /** npm, if absent. */
  ecosystem: z.literal("cargo").optional(),
});
export type Package = z.infer<typeof Package>;

const Layer = z.object({ digest: z.string(), size: z.number(), packages: z.array(Package) });
/** The layer that all models share; its digest is the runtime hash in a delivery's input. */
export type RuntimeLayer = z.infer<typeof Layer>;

type Needs = {
  readonly blobs: OciLayout;
  /** Folder of the image layout; it also caches descriptions of packed layers. */
  readonly folder: string;
  readonly platform: Platform;
  /** The bundled function: contents by file name in /var/task, and its packages. */
  readonly bundle: () => Promise<{
    readonly files: ReadonlyMap<string, Uint8Array>;
    readonly packages: readonly Package[];
  }>;
};

type PackageFile = { readonly path: string; readonly source: string; readonly stamp: string };

/** Increase this when packing changes: it invalidates the cached layers. */
const packingVersion = 1;

const listPackageFiles = async (
  folder: string,
  isIncluded: (path: string) => boolean,
): Promise<PackageFile[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((source) => isIncluded(source.slice(folder.length + 1).replaceAll("\\", "/")));
  return Promise.all(
    files.map(async (source) => {
      const { size, mtimeMs } = await stat(source);
      const path = source.slice(folder.length + 1).replaceAll("\\", "/");
      return { path, source, stamp: `${size} ${mtimeMs}` };
    }),
  );
};

/** The files of onnxruntime that a function on this platform loads: 46 MB of 288. */
const listNativeFiles = async (platform: Platform) => {
  const require = createRequire(import.meta.url);
  const node = dirname(require.resolve("onnxruntime-node/package.json"));
  // The package does not export its package.json, so this starts from its entry dist/cjs/index.js.
  const common = dirname(
    dirname(dirname(createRequire(join(node, "package.json")).resolve("onnxruntime-common"))),
  );
  const isCode = (folder: string) => (path: string) =>
    path === "package.json" || (path.startsWith(folder) && /\.(js|json)$/.test(path));
  const native = new RegExp(`^bin/napi-v\\d+/${platform}/`);
  const packages = await Promise.all(
    [
      { folder: node, isIncluded: (path: string) => isCode("dist/")(path) || native.test(path) },
      { folder: common, isIncluded: isCode("dist/cjs/") },
    ].map(async ({ folder, isIncluded }) => {
      const manifest = Package.parse(JSON.parse(await readFile(join(folder, "package.json"), "utf8")));
      const files = (await listPackageFiles(folder, isIncluded)).map((file) => ({
        ...file,
        path: `var/task/node_modules/${manifest.name}/${file.path}`,
      }));
      return { manifest, files };
    }),
  );
  return {
    packages: packages.map(({ manifest }) => manifest),
    files: packages.flatMap(({ files }) => files).sort((a, b) => (a.path < b.path ? -1 : 1)),
  };
};

/**
 * Packs the runtime layer: the bundled function and onnxruntime for one platform. The cache is keyed by the bundle and
 * by size and modification time of the package files, so a lookup reads no package file. An image always packs again.
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
    const cacheFile = `runtimes/${key}.json`;
    const cached = await readFile(join(folder, cacheFile), "utf8").catch(() => undefined);
    const layer = cached === undefined ? undefined : Layer.parse(JSON.parse(cached));
    if (!packAgain && layer && (await blobs.has(layer))) return layer;
    const files = new Map<string, () => Promise<Uint8Array>>();
    files.set("var/task/package.json", async () => Buffer.from('{"private":true,"type":"module"}\n'));
    for (const [name, bytes] of bundledFiles) files.set(`var/task/${name}`, async () => bytes);
    for (const { path, source } of native.files) files.set(path, () => readFile(source));
    const packages = new Map(
      [...bundled.packages, ...native.packages].map((item) => [`${item.name}@${item.version}`, item]),
    );
    const packed = {
      // Replaces what is stored under its digest.
      ...(await blobs.writeStream(packLayer(files))),
      packages: [...packages.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item),
    };
    await blobs.writeFile(cacheFile, JSON.stringify(packed));
    return packed;
  };
  return {
    platform,
    /** The layer, cached if possible: enough to know the current runtime. */
    current: () => find(false),
    /** The layer, packed again regardless of the cache: for building an image. */
    packed: () => find(true),
  };
};
