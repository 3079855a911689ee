import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { Artifact } from "#model-folder/manifest/artifact.ts";
import { getArtifactFile } from "#model-folder/manifest/get-artifact-file.ts";
import { modelPlanFile } from "#model-folder/manifest/model-plan-file.ts";
import { preparedManifestFile } from "#model-folder/manifest/prepared-manifest-file.ts";
import { exampleRowFile, selectExampleRow } from "#model-folder/rows/select-example-row.ts";
import { type FileContent, readContent } from "#platform/files/file-content.ts";
import { hashGitBlob } from "#platform/files/hash-git-blob.ts";
import type { LocalFile } from "#platform/files/local-file.ts";
import type { Source } from "#platform/source/source.ts";
import type { Advisories } from "./advisories.ts";
import {
  type Build,
  type BuildOptions,
  type BuildRequest,
  ImageBuildFailed,
  ImageNotFound,
  type Images,
  ImageTagTaken,
} from "./images.ts";
import { type OciBlob, openOciLayout } from "./oci-layout.ts";
import { packLayer } from "./pack-layer.ts";
import { createRuntimeLayer, type Package, type Platform, type RuntimeLayer } from "./runtime-layer.ts";
import { createImageSbom } from "./sbom.ts";
import { scanSbom } from "./scan-sbom.ts";

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const configType = "application/vnd.oci.image.config.v1+json";
const layerType = "application/vnd.oci.image.layer.v1.tar";
const sbomType = "application/vnd.cyclonedx+json";

const Descriptor = z.looseObject({ digest: z.string(), size: z.int().min(0), mediaType: z.string() });
/** The fields that Slipway reads of an image's manifest. https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md */
export const ImageManifest = z.looseObject({ config: Descriptor, layers: z.array(Descriptor).min(1) });
const ServingFields = z.looseObject({
  records: z.looseObject({ inputs: z.enum(["full", "hashed", "none"]) }).default({ inputs: "none" }),
  artifact: Artifact.default("model.onnx"),
  tokenizer: z.looseObject({ file: z.string().default("tokenizer.json") }).optional(),
});

type Needs = {
  /** Folder of the OCI image layout; created if missing. */
  readonly folder: string;
  readonly source: Pick<Source, "copyModelFiles">;
  readonly platform: Platform;
  readonly bundle: () => Promise<{
    readonly files: ReadonlyMap<string, Uint8Array>;
    readonly packages: readonly Package[];
  }>;
  /** Returns the folder's manifest; throws its own error if the model cannot be delivered. */
  readonly check: (folder: {
    readonly model: string;
    readonly files: ReadonlyMap<string, LocalFile>;
  }) => Promise<unknown>;
  /** The model's plan, from the checked manifest and the ONNX file; undefined: the image gets none. */
  readonly compile: (model: {
    readonly manifest: unknown;
    readonly artifact: LocalFile;
  }) => Promise<Uint8Array | undefined>;
  /** Advisories for vulnerable packages; undefined if none are loaded. */
  readonly advisories: () => Promise<Advisories | undefined>;
  /** Epoch milliseconds. */
  readonly clock: () => number;
};

/** Errors of the model's folder and its check that a build rethrows unchanged. */
const modelCheckErrors = new Set([
  "ManifestInvalid",
  "ModelUnreadable",
  // The artefact outside the repository, and the rules for its address.
  "ArtifactMissing",
  "ArtifactDiffers",
  "ArtifactRefused",
  "ArtifactUnreachable",
  "ArtifactTooLarge",
  "LfsUnavailable",
  "PolicyInvalid",
  "PolicyMissing",
]);

const encodeJson = (value: unknown) => Buffer.from(JSON.stringify(value));

/**
 * The files that serving needs; the manifest names the ONNX file. The image also holds the manifest as JSON, because to
 * parse the YAML would take longer than the rest of our code at a function's start, the model's plan, and a golden row for
 * its documents.
 */
const selectServedFiles = async (
  files: ReadonlyMap<string, LocalFile>,
  checkedManifest: unknown,
  compile: Needs["compile"],
): Promise<{ artifact: LocalFile; layer: Map<string, FileContent> }> => {
  const fields = ServingFields.parse(checkedManifest);
  const manifest = files.get("model.yaml");
  const artifactFile = getArtifactFile(fields);
  const artifact = files.get(artifactFile);
  if (!manifest || !artifact)
    throw new ImageBuildFailed("the model's folder lacks model.yaml or its artifact");
  const layer = new Map<string, FileContent>([
    ["model.yaml", manifest],
    [preparedManifestFile, encodeJson(checkedManifest)],
    [artifactFile, artifact],
  ]);
  const plan = await compile({ manifest: checkedManifest, artifact });
  if (plan) layer.set(modelPlanFile, plan);
  if (fields.tokenizer) {
    const { file } = fields.tokenizer;
    const tokenizer = files.get(file);
    if (!tokenizer) throw new ImageBuildFailed(`the model's folder lacks its tokenizer ${file}`);
    layer.set(file, tokenizer);
  }
  const golden = files.get("golden.json");
  const exampleRow = golden && selectExampleRow(await readContent(golden), fields);
  if (exampleRow) layer.set(exampleRowFile, encodeJson(exampleRow));
  return { artifact, layer };
};

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md; equal contents give equal bytes. */
const createImageConfig = (platform: Platform, layers: readonly OciBlob[]) => {
  const [os, architecture] = platform.split("/");
  return {
    architecture: architecture === "x64" ? "amd64" : architecture,
    os,
    created: "1970-01-01T00:00:00Z",
    config: { Env: ["LAMBDA_TASK_ROOT=/var/task"], WorkingDir: "/var/task", Cmd: ["index.handler"] },
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
    history: ["the runtime", "the model"].map((layer) => ({
      created: "1970-01-01T00:00:00Z",
      created_by: `slipway: ${layer}`,
    })),
  };
};

/**
 * Images as an OCI image layout on disk, without a daemon: two uncompressed layers, the runtime and the model.
 * The digest depends only on the served files and the runtime. All writes are atomic, so the next build repairs a
 * killed one.
 */
export const createOciImages = (needs: Needs): Images & { runtimeHash(): Promise<string> } => {
  const { folder, source, platform, check } = needs;
  const blobs = openOciLayout(folder);
  const runtime = createRuntimeLayer({ blobs, folder, platform, bundle: needs.bundle });

  const readManifest = async (digest: string) =>
    ImageManifest.parse(JSON.parse((await blobs.read(digest)).toString("utf8")));

  /** index.json is merged from one file per image, so that concurrent builders do not overwrite each other's entries. */
  const writeIndex = async (): Promise<void> => {
    for (let previousNames = ""; ; ) {
      const names = (await readdir(join(folder, "images")))
        .filter((name) => name.endsWith(".index.json"))
        .sort();
      if (names.join() === previousNames) return;
      previousNames = names.join();
      const texts = await Promise.all(names.map((name) => readFile(join(folder, "images", name), "utf8")));
      const manifests = texts.flatMap((text) => z.array(Descriptor).parse(JSON.parse(text)));
      const index = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests };
      await blobs.writeFile("index.json", JSON.stringify(index));
    }
  };

  /** Writes the SBOM as an artefact with its image as the subject, as registries store it. */
  const writeSbom = async (subject: OciBlob, text: string) => {
    const empty = await blobs.writeBytes(encodeJson({}));
    const content = await blobs.writeBytes(Buffer.from(text));
    const manifest = await blobs.writeBytes(
      encodeJson({
        schemaVersion: 2,
        mediaType: manifestType,
        artifactType: sbomType,
        config: { mediaType: "application/vnd.oci.empty.v1+json", ...empty },
        layers: [{ mediaType: sbomType, ...content }],
        subject: { mediaType: manifestType, ...subject },
      }),
    );
    return { mediaType: manifestType, artifactType: sbomType, ...manifest };
  };

  const assemble = async (
    model: string,
    runtimeLayer: RuntimeLayer,
    served: Awaited<ReturnType<typeof selectServedFiles>>,
  ) => {
    const modelFiles = new Map(
      [...served.layer].map(([name, content]) => [`var/task/model/${name}`, async () => content]),
    );
    const modelLayer = await blobs.writeStream(packLayer(modelFiles));
    const layers = [{ digest: runtimeLayer.digest, size: runtimeLayer.size }, modelLayer];
    const config = await blobs.writeBytes(encodeJson(createImageConfig(platform, layers)));
    const image = await blobs.writeBytes(
      encodeJson({
        schemaVersion: 2,
        mediaType: manifestType,
        config: { mediaType: configType, ...config },
        layers: layers.map((layer) => ({ mediaType: layerType, ...layer })),
        annotations: { "org.opencontainers.image.title": model },
      }),
    );
    const text = createImageSbom({
      model,
      packages: runtimeLayer.packages,
      artifactDigest: `sha256:${served.artifact.sha256}`,
    });
    const sbom = await writeSbom(image, text);
    const name = `images/${image.digest.slice("sha256:".length)}`;
    await blobs.writeFile(`${name}.cdx.json`, text);
    const indexEntries = [{ mediaType: manifestType, ...image }, sbom];
    await blobs.writeFile(`${name}.index.json`, JSON.stringify(indexEntries));
    await blobs.writeFile("oci-layout", JSON.stringify({ imageLayoutVersion: "1.0.0" }));
    await writeIndex();
    return {
      digest: image.digest,
      sizeBytes: config.size + layers.reduce((sum, { size }) => sum + size, 0),
      layers: layers.map(({ digest }) => digest),
    };
  };

  const buildIn = async (
    copies: string,
    { model, commit, runtime: expectedRuntime }: BuildRequest,
    { resolveFiles, keepArtifact }: BuildOptions,
  ): Promise<Build> => {
    const committed = await source.copyModelFiles(model, commit, copies);
    const files = (await resolveFiles?.(committed, { commit, folder: copies })) ?? committed;
    const served = await selectServedFiles(files, await check({ model, files }), needs.compile);
    // Packed again and compared: anyone could have placed another layer under the cached name, which can be guessed.
    const layer = await runtime.packed();
    if (layer.digest !== expectedRuntime)
      throw new ImageBuildFailed(
        `the runtime here is ${layer.digest}, but this delivery started with ${expectedRuntime}: deliver again with the current runtime`,
      );
    const { layers, ...image } = await assemble(model, layer, served);
    await keepArtifact?.(served.artifact);
    const hashes = Object.fromEntries([...committed].map(([name, { sha256 }]) => [name, sha256]));
    const gitBlobs = new Map<string, string>();
    for (const [name, file] of committed) gitBlobs.set(name, await hashGitBlob(file));
    return {
      ...image,
      contents: {
        layers,
        files: hashes,
        gitBlobs: Object.fromEntries(gitBlobs),
        artifact: served.artifact.sha256,
      },
      buildId: `embedded:${image.digest.slice("sha256:".length, "sha256:".length + 16)}`,
    };
  };

  const build = async (request: BuildRequest, options: BuildOptions): Promise<Build> => {
    await blobs.tidy(needs.clock());
    const copies = await blobs.createTemporaryPath();
    await mkdir(copies);
    try {
      return await buildIn(copies, request, options);
    } finally {
      await rm(copies, { recursive: true, force: true });
    }
  };

  return {
    async runtimeHash() {
      return (await runtime.current()).digest;
    },
    async build(request, options = {}) {
      try {
        return await build(request, options);
      } catch (error) {
        if (error instanceof Error && (modelCheckErrors.has(error.name) || error instanceof ImageBuildFailed))
          throw error;
        const reason = error instanceof Error ? error.message : String(error);
        throw new ImageBuildFailed(`the image of ${request.model} could not be built: ${reason}`, {
          cause: error,
        });
      }
    },
    async describe(digest) {
      try {
        const { config, layers } = await readManifest(digest);
        const present = await Promise.all([config, ...layers].map((blob) => blobs.has(blob)));
        if (present.includes(false)) return undefined;
        return { sizeBytes: [config, ...layers].reduce((sum, { size }) => sum + size, 0) };
      } catch (error) {
        if (error instanceof ImageNotFound) return undefined;
        throw error;
      }
    },
    async scan(digest) {
      await readManifest(digest);
      const text = await readFile(
        join(folder, "images", `${digest.slice("sha256:".length)}.cdx.json`),
        "utf8",
      ).catch((error: unknown) => {
        throw new ImageNotFound(`there is no SBOM of ${digest}: build the image again`, {
          cause: error,
        });
      });
      return scanSbom(text, await needs.advisories());
    },
    async release(digest, tag) {
      await readManifest(digest);
      const name = join("tags", encodeURIComponent(tag));
      await blobs.writeNew(name, digest);
      const taggedDigest = await readFile(join(folder, name), "utf8");
      if (taggedDigest !== digest) throw new ImageTagTaken(`${tag} is the tag of ${taggedDigest}`);
    },
  };
};
