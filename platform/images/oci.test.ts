import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { readContent } from "#platform/files/file-content.ts";
import { imageTagsContract } from "#test/contracts/image-tags.ts";
import { imagesContract } from "#test/contracts/images.ts";
import { copyModelFilesOf } from "#test/support/copy-model-files.ts";
import type { Advisories } from "./advisories.ts";
import { createOciImages } from "./oci.ts";
import { computeDigest } from "./oci-layout.ts";
import { unpackImage } from "./unpack-image.ts";

class CheckFailed extends Error {
  constructor(name: string) {
    super("the check failed");
    this.name = name;
  }
}
const encodeText = (value: string) => Buffer.from(value);
const createModelFiles = (onnx: string, manifest = "name: churn\nartifact: model.onnx\n") =>
  new Map<string, Uint8Array>([
    ["model.yaml", encodeText(manifest)],
    ["model.onnx", encodeText(onnx)],
    ["holdout.csv", encodeText("rows")],
  ]);
const commits: Record<string, ReadonlyMap<string, Uint8Array>> = {
  first: createModelFiles("one"),
  // Only a file that is not part of the image differs.
  same: new Map([...createModelFiles("one"), ["holdout.csv", encodeText("other rows")]]),
  other: createModelFiles("two"),
  ManifestInvalid: createModelFiles("ManifestInvalid"),
  ModelUnreadable: createModelFiles("ModelUnreadable"),
};

const createTestImages = (folder: string, advisories?: Advisories, bundle = "export const handler = 1;") =>
  createOciImages({
    folder,
    source: { copyModelFiles: copyModelFilesOf((_model, commit) => commits[commit] ?? new Map()) },
    platform: "linux/arm64",
    bundle: async () => ({
      files: new Map([["index.mjs", encodeText(bundle)]]),
      packages: [{ name: "minimist", version: "1.2.5", license: "MIT" }],
    }),
    check: async ({ files }) => {
      const onnx = Buffer.from(await readContent(files.get("model.onnx") ?? new Uint8Array())).toString();
      if (onnx.startsWith("M")) throw new CheckFailed(onnx);
      return { name: "churn", artifact: "model.onnx" };
    },
    compile: async ({ artifact }) => encodeText(`plan of ${await readContent(artifact)}`),
    advisories: async () => advisories,
    clock: Date.now,
  });

imagesContract("OCI layout on disk", async () => {
  const folder = await mkdtemp(join(tmpdir(), "slipway-images-"));
  const images = createTestImages(folder);
  return {
    images,
    elsewhere: createTestImages(folder),
    runtime: await images.runtimeHash(),
    model: "churn",
    commits: { first: "first", same: "same", other: "other" },
    failing: { ManifestInvalid: "ManifestInvalid", ModelUnreadable: "ModelUnreadable" },
    stop: () => rm(folder, { recursive: true, force: true }),
  };
});

imageTagsContract("OCI layout on disk", async () => {
  const folder = await mkdtemp(join(tmpdir(), "slipway-images-"));
  const images = createTestImages(folder);
  const runtime = await images.runtimeHash();
  const [first, second] = [
    await images.build({ model: "churn", commit: "first", runtime }),
    await images.build({ model: "churn", commit: "other", runtime }),
  ];
  return {
    images,
    elsewhere: createTestImages(folder),
    digests: [first.digest, second.digest],
    stop: () => rm(folder, { recursive: true, force: true }),
  };
});

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanups.splice(0)) await step();
});
const createFolder = async () => {
  const folder = await mkdtemp(join(tmpdir(), "slipway-images-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
};
const buildCommit = async (folder: string, commit = "first") => {
  const images = createTestImages(folder);
  const build = await images.build({ model: "churn", commit, runtime: await images.runtimeHash() });
  return { images, ...build };
};
const blob = (folder: string, digest: string) => join(folder, "blobs", "sha256", digest.slice(7));
const readLayers = async (folder: string, digest: string): Promise<{ digest: string; size: number }[]> =>
  JSON.parse(await readFile(blob(folder, digest), "utf8")).layers;

test("builds in two separate folders have the same digest", async () => {
  const [folderA, folderB] = await Promise.all([createFolder(), createFolder()]);
  expect((await buildCommit(folderA)).digest).toBe((await buildCommit(folderB)).digest);
});

test("every blob matches its name, and the index lists image and SBOM", async () => {
  const folder = await createFolder();
  const { digest } = await buildCommit(folder);
  await buildCommit(folder, "other");

  for (const hex of await readdir(join(folder, "blobs", "sha256")))
    expect(computeDigest(await readFile(join(folder, "blobs", "sha256", hex)))).toBe(`sha256:${hex}`);
  const index = JSON.parse(await readFile(join(folder, "index.json"), "utf8"));
  expect(index.manifests).toHaveLength(4);
  expect(index.manifests.map((manifest: { digest: string }) => manifest.digest)).toContain(digest);
  expect(JSON.parse(await readFile(join(folder, "oci-layout"), "utf8"))).toEqual({
    imageLayoutVersion: "1.0.0",
  });
  expect(await readdir(join(folder, "tmp"))).toEqual([]);
});

test("the image holds runtime, manifest, artifact and its plan, but not the holdout", async () => {
  const folder = await createFolder();
  const { digest } = await buildCommit(folder);
  const root = await unpackImage({ folder, into: join(folder, "unpacked") })(digest);

  const task = join(root, "var", "task");
  expect((await readdir(join(task, "model"))).sort()).toEqual([
    "manifest.json",
    "model.onnx",
    "model.plan",
    "model.yaml",
  ]);
  expect(await readFile(join(task, "model", "model.plan"), "utf8")).toBe("plan of one");
  expect((await readdir(task)).sort()).toEqual(["index.mjs", "model", "node_modules", "package.json"]);
  const native = join(task, "node_modules", "onnxruntime-node", "bin", "napi-v6");
  expect(await readdir(native)).toEqual(["linux"]);
  expect(await readdir(join(native, "linux"))).toEqual(["arm64"]);
});

test("the SBOM is CycloneDX 1.6 and names the bundled packages and onnxruntime", async () => {
  const folder = await createFolder();
  const { digest } = await buildCommit(folder);
  const bom = JSON.parse(await readFile(join(folder, "images", `${digest.slice(7)}.cdx.json`), "utf8"));

  expect([bom.bomFormat, bom.specVersion]).toEqual(["CycloneDX", "1.6"]);
  const purls = bom.components.flatMap(({ purl = "" }) => purl.replace(/@[^@]*$/, "") || []);
  expect(purls).toEqual(["pkg:npm/minimist", "pkg:npm/onnxruntime-common", "pkg:npm/onnxruntime-node"]);
});

test("a changed runtime changes the hash, and the hash of an unchanged one needs no packing", async () => {
  const folder = await createFolder();
  const before = await createTestImages(folder).runtimeHash();
  const [cacheFile = ""] = await readdir(join(folder, "runtimes"));
  const packed = () => stat(blob(folder, before), { bigint: true });
  const { ino, mtimeNs } = await packed();
  expect(await createTestImages(folder).runtimeHash()).toBe(before);
  expect(await readdir(join(folder, "runtimes"))).toEqual([cacheFile]);
  // Packing replaces the file, so the same inode means that nothing was packed again.
  expect(await packed()).toMatchObject({ ino, mtimeNs });
  expect(await createTestImages(folder, undefined, "export const handler = 2;").runtimeHash()).not.toBe(
    before,
  );
});

test("an image with a missing or truncated blob does not exist until the next build repairs it", async () => {
  const folder = await createFolder();
  const { digest, sizeBytes, images } = await buildCommit(folder);
  const [runtime, model] = await readLayers(folder, digest);
  for (const layer of [runtime, model]) {
    const path = blob(folder, layer?.digest ?? "");
    await truncate(path, 100);
    expect(await images.describe(digest)).toBeUndefined();
    await buildCommit(folder);
    expect(await images.describe(digest)).toEqual({ sizeBytes });
    await rm(path);
    expect(await images.describe(digest)).toBeUndefined();
    await buildCommit(folder);
    expect(await images.describe(digest)).toEqual({ sizeBytes });
  }
});

test("a build after a kill between any two writes produces the same image", async () => {
  const whole = await createFolder();
  const { digest, sizeBytes } = await buildCommit(whole);
  const files = (await readdir(whole, { recursive: true, withFileTypes: true })).filter((file) =>
    file.isFile(),
  );
  for (const missing of files) {
    await rm(join(missing.parentPath, missing.name));
    const again = await buildCommit(whole);
    expect([again.digest, again.sizeBytes]).toEqual([digest, sizeBytes]);
    expect(await again.images.describe(digest)).toEqual({ sizeBytes });
    expect((await again.images.scan(digest)).status).toBe("complete");
  }
});

test("a build removes old temporary files of a killed build and keeps recent ones", async () => {
  const folder = await createFolder();
  await mkdir(join(folder, "tmp"));
  await Promise.all(["old", "new"].map((name) => writeFile(join(folder, "tmp", name), "half")));
  const old = new Date(Date.now() - 7_200_000);
  await utimes(join(folder, "tmp", "old"), old, old);
  await buildCommit(folder);
  expect(await readdir(join(folder, "tmp"))).toEqual(["new"]);
});

test("a build in a folder that is not writable fails with ImageBuildFailed", async () => {
  const folder = await createFolder();
  await writeFile(join(folder, "file"), "");
  const images = createTestImages(join(folder, "file", "images"));
  await expect(
    images.build({ model: "churn", commit: "first", runtime: `sha256:${"1".repeat(64)}` }),
  ).rejects.toMatchObject({ name: "ImageBuildFailed", message: expect.stringContaining("ENOTDIR") });
});

test("without advisories npm is unknown; with an advisory the scan finds the vulnerable package", async () => {
  const folder = await createFolder();
  const { digest, images } = await buildCommit(folder);
  expect(await images.scan(digest)).toEqual({
    status: "complete",
    findings: [],
    scanned: {},
    unknownEcosystems: ["npm"],
    remedy: expect.stringContaining("npm run advisories"),
  });

  const record = JSON.parse(
    await readFile(new URL("./fixtures/GHSA-xvch-5gv4-984h.json", import.meta.url), "utf8"),
  );
  const advisories: Advisories = { asOf: "2026-11-01T00:00:00Z", ecosystem: "npm", advisories: [record] };
  expect(await createTestImages(folder, advisories).scan(digest)).toEqual({
    status: "complete",
    findings: [
      {
        id: "GHSA-xvch-5gv4-984h",
        package: "minimist",
        version: "1.2.5",
        severity: "critical",
        summary: "Prototype Pollution in minimist",
        fixedIn: "1.2.6",
      },
    ],
    scanned: { npm: 3 },
    unknownEcosystems: [],
    advisoriesAsOf: "2026-11-01T00:00:00Z",
  });
});
