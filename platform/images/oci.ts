import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { preparedManifestFile } from "#model-folder/manifest/prepared-manifest-file.ts";
import type { Source } from "#platform/source/source.ts";
import type { Advisories } from "./advisories.ts";
import { type BuildRequest, ImageBuildFailed, ImageNotFound, type Images, ImageTagTaken } from "./images.ts";
import { computeDigest, type OciBlob, openOciLayout } from "./oci-layout.ts";
import { packLayer } from "./pack-layer.ts";
import { createRuntimeLayer, type Package, type Platform, type RuntimeLayer } from "./runtime-layer.ts";
import { createImageSbom } from "./sbom.ts";
import { scanSbom } from "./scan-sbom.ts";

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const configType = "application/vnd.oci.image.config.v1+json";
const layerType = "application/vnd.oci.image.layer.v1.tar";
const sbomType = "application/vnd.cyclonedx+json";

const Descriptor = z.looseObject({ digest: z.string(), size: z.int().min(0), mediaType: z.string() });
/** What is read of an image's manifest. https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md */
export const ImageManifest = z.looseObject({ config: Descriptor, layers: z.array(Descriptor).min(1) });
const ServingFields = z.looseObject({
  artifact: z.string().default("model.onnx"),
  tokenizer: z.looseObject({ file: z.string().default("tokenizer.json") }).optional(),
});

type Needs = {
  /** Folder of the OCI image layout; made where it is missing. */
  readonly folder: string;
  readonly source: Pick<Source, "modelFiles">;
  readonly platform: Platform;
  readonly bundle: () => Promise<{
    readonly files: ReadonlyMap<string, Uint8Array>;
    readonly packages: readonly Package[];
  }>;
  /** Gives the folder's manifest; throws an error of its own where the folder is no deliverable model. */
  readonly check: (folder: {
    readonly model: string;
    readonly files: ReadonlyMap<string, Uint8Array>;
  }) => Promise<unknown>;
  /** What is known of vulnerable packages; undefined where nothing was loaded. */
  readonly advisories: () => Promise<Advisories | undefined>;
  /** Epoch milliseconds. */
  readonly clock: () => number;
};

/** The errors of the model's check that a build passes on as they are. */
const modelCheckErrors = new Set(["ManifestInvalid", "ModelUnreadable"]);

const encodeJson = (value: unknown) => Buffer.from(JSON.stringify(value));

/**
 * The files of a model's folder that serving needs; the name of its ONNX file comes from its manifest. The manifest
 * goes along as JSON too: to read it from YAML again would take a function's start longer than all else of ours.
 */
const selectServedFiles = (
  files: ReadonlyMap<string, Uint8Array>,
  checked: unknown,
): { artifact: Uint8Array; layer: Map<string, Uint8Array> } => {
  const named = ServingFields.parse(checked);
  const manifest = files.get("model.yaml");
  const artifact = files.get(named.artifact);
  if (!manifest || !artifact)
    throw new ImageBuildFailed("the model's folder holds no model.yaml, or not the artifact that it names");
  const layer = new Map([
    ["model.yaml", manifest],
    [preparedManifestFile, encodeJson(checked)],
    [named.artifact, artifact],
  ]);
  if (named.tokenizer) {
    const { file } = named.tokenizer;
    const tokenizer = files.get(file);
    if (!tokenizer) throw new ImageBuildFailed(`the model's folder does not hold its tokenizer, ${file}`);
    layer.set(file, tokenizer);
  }
  return { artifact, layer };
};

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md, the same for equal contents. */
const createImageConfig = (platform: Platform, layers: readonly OciBlob[]) => {
  const [os, architecture] = platform.split("/");
  return {
    architecture: architecture === "x64" ? "amd64" : architecture,
    os,
    created: "1970-01-01T00:00:00Z",
    config: { Env: ["LAMBDA_TASK_ROOT=/var/task"], WorkingDir: "/var/task", Cmd: ["index.handler"] },
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
    history: ["the runtime", "the model"].map((what) => ({
      created: "1970-01-01T00:00:00Z",
      created_by: `slipway: ${what}`,
    })),
  };
};

/**
 * Images as an OCI image layout on disk, without any daemon: two uncompressed layers, the runtime and the model.
 * The digest follows from the files served and from the runtime alone. Everything is written beside its place
 * and renamed, and a name is only ever given to whole content, so a build that was killed is repaired by the next.
 */
export const createOciImages = (needs: Needs): Images & { runtimeHash(): Promise<string> } => {
  const { folder, source, platform, check } = needs;
  const blobs = openOciLayout(folder);
  const runtime = createRuntimeLayer({ blobs, folder, platform, bundle: needs.bundle });

  const readManifest = async (digest: string) =>
    ImageManifest.parse(JSON.parse((await blobs.read(digest)).toString("utf8")));

  /** One file for each image says what belongs into index.json: so that two builders cannot lose each other's. */
  const writeIndex = async (): Promise<void> => {
    for (let before = ""; ; ) {
      const names = (await readdir(join(folder, "images")))
        .filter((name) => name.endsWith(".index.json"))
        .sort();
      if (names.join() === before) return;
      before = names.join();
      const all = await Promise.all(names.map((name) => readFile(join(folder, "images", name), "utf8")));
      const manifests = all.flatMap((text) => z.array(Descriptor).parse(JSON.parse(text)));
      const index = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests };
      await blobs.writeFile("index.json", JSON.stringify(index));
    }
  };

  /** The SBOM as an artefact that refers to its image, which is how registries keep it. */
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
    layer: RuntimeLayer,
    served: ReturnType<typeof selectServedFiles>,
  ) => {
    const modelFiles = new Map(
      [...served.layer].map(([name, bytes]) => [`var/task/model/${name}`, async () => bytes]),
    );
    const modelLayer = await blobs.writeStream(packLayer(modelFiles));
    const layers = [{ digest: layer.digest, size: layer.size }, modelLayer];
    const config = await blobs.writeBytes(encodeJson(createImageConfig(platform, layers)));
    const image = await blobs.writeBytes(
      encodeJson({
        schemaVersion: 2,
        mediaType: manifestType,
        config: { mediaType: configType, ...config },
        layers: layers.map((one) => ({ mediaType: layerType, ...one })),
        annotations: { "org.opencontainers.image.title": model },
      }),
    );
    const text = createImageSbom({
      model,
      packages: layer.packages,
      artifactDigest: computeDigest(served.artifact),
    });
    const artefact = await writeSbom(image, text);
    const name = `images/${image.digest.slice("sha256:".length)}`;
    await blobs.writeFile(`${name}.cdx.json`, text);
    const listed = [{ mediaType: manifestType, ...image }, artefact];
    await blobs.writeFile(`${name}.index.json`, JSON.stringify(listed));
    await blobs.writeFile("oci-layout", JSON.stringify({ imageLayoutVersion: "1.0.0" }));
    await writeIndex();
    return {
      digest: image.digest,
      sizeBytes: config.size + layers.reduce((sum, { size }) => sum + size, 0),
      layers: layers.map(({ digest }) => digest),
    };
  };

  const build = async ({ model, commit, runtime: asked }: BuildRequest) => {
    await blobs.tidy(needs.clock());
    const files = await source.modelFiles(model, commit);
    const served = selectServedFiles(files, await check({ model, files }));
    // Packed anew and compared: what lies under a name that can be guessed is nobody's word for what is in it.
    const layer = await runtime.packed();
    if (layer.digest !== asked)
      throw new ImageBuildFailed(
        `the runtime here is ${layer.digest}, this delivery was started with ${asked}: deliver again, so that it starts with the runtime at hand`,
      );
    const { layers, ...built } = await assemble(model, layer, served);
    const hashes = Object.fromEntries(
      [...files].map(([name, bytes]) => [name, computeDigest(bytes).slice("sha256:".length)]),
    );
    return {
      ...built,
      contents: { layers, files: hashes },
      buildId: `embedded:${built.digest.slice("sha256:".length, "sha256:".length + 16)}`,
    };
  };

  return {
    async runtimeHash() {
      return (await runtime.current()).digest;
    },
    async build(request) {
      try {
        return await build(request);
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
        const whole = await Promise.all([config, ...layers].map((blob) => blobs.has(blob)));
        if (whole.includes(false)) return undefined;
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
        throw new ImageNotFound(`there is no list of what ${digest} contains: build it again`, {
          cause: error,
        });
      });
      return scanSbom(text, await needs.advisories());
    },
    async release(digest, tag) {
      await readManifest(digest);
      const name = join("tags", encodeURIComponent(tag));
      await blobs.writeNew(name, digest);
      const tagged = await readFile(join(folder, name), "utf8");
      if (tagged !== digest) throw new ImageTagTaken(`${tag} is the tag of ${tagged}`);
    },
  };
};
