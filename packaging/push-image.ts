import { createHash } from "node:crypto";
import * as z from "zod";
import { ImageBuildFailed } from "#platform/images/images.ts";
import { type Crane, CraneFailed } from "./crane.ts";

const Descriptor = z.object({ digest: z.string().regex(/^sha256:[0-9a-f]{64}$/), size: z.int().min(1) });
const Manifest = z.object({ config: Descriptor, layers: z.array(Descriptor).min(1) });
const Config = z.object({ rootfs: z.object({ diff_ids: z.array(z.string()) }) });

/** crane replaces this placeholder by the digest of the new image. */
const placeholderDigest = `sha256:${"0".repeat(64)}`;

/**
 * Lambda publishes a version with SnapStart of an image only with this label, which says that its runtime needs no hooks.
 * https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-custom.html
 */
export const snapStartLabel = { "com.amazonaws.lambda.feature.snapstart": "Allow" } as const;

type PushedImage = {
  readonly digest: string;
  readonly sizeBytes: number;
  /** Digests of all layers in the registry, the base's first. */
  readonly layers: readonly string[];
  readonly tag: string;
  /** The image's usual tag, if another image has it: someone else pushed that image. */
  readonly foreign: string | undefined;
};

/**
 * Appends layers to the base image and pushes the result by its computed digest; no tag ever identifies an image. The
 * registry stores content only under its own hash. Then the image gets a tag that is derived from its contents; if
 * another image has this tag, the image gets a longer one with its digest.
 * Throws ImageBuildFailed.
 */
export const pushImage =
  ({ crane }: { readonly crane: Crane }) =>
  async (request: {
    readonly model: string;
    /** Including its digest. */
    readonly baseImage: string;
    /** Without tag and digest. */
    readonly repository: string;
    /** `linux/arm64`, `linux/amd64`. */
    readonly platform: string;
    readonly layerFiles: readonly string[];
    /** Content hashes of `layerFiles`, `sha256:…`. */
    readonly layers: readonly string[];
    /** Labels of the image; they change its digest. */
    readonly labels?: Readonly<Record<string, string>>;
  }): Promise<PushedImage> => {
    const { model, baseImage, repository, platform, layerFiles, layers } = request;
    const labels = Object.entries(request.labels ?? {}).map(([name, value]) => `${name}=${value}`);
    const readTagDigest = async (tag: string): Promise<string | undefined> => {
      try {
        return await crane(["digest", `${repository}:${tag}`]);
      } catch (error) {
        // If the cause is another error than a missing tag, setting the tag fails, too.
        if (error instanceof CraneFailed) return undefined;
        throw error;
      }
    };
    const tagImage = async (digest: string): Promise<Pick<PushedImage, "tag" | "foreign">> => {
      const contents = createHash("sha256")
        .update([baseImage, ...layers, ...labels].join(" "))
        .digest("hex");
      const first = `${model}-${contents.slice(0, 16)}`;
      let foreign: string | undefined;
      for (const tag of [first, `${first}-${digest.slice("sha256:".length, "sha256:".length + 32)}`]) {
        const existing = await readTagDigest(tag);
        if (existing === undefined) await crane(["tag", `${repository}@${digest}`, tag]);
        if (existing === undefined || existing === digest) return { tag, foreign };
        foreign = tag;
      }
      throw new ImageBuildFailed(
        `another image in ${repository} has the tag ${foreign} of the new image: someone else pushes there. Revoke that permission, delete the tag and deliver again`,
      );
    };
    try {
      const pushed = await crane([
        ...["mutate", baseImage, "--platform", platform, "--append", layerFiles.join(",")],
        ...[
          "--cmd",
          "index.handler",
          "--workdir",
          "/var/task",
          "--tag",
          `${repository}@${placeholderDigest}`,
        ],
        ...labels.flatMap((label) => ["--label", label]),
      ]);
      const digest = pushed.replace(/^.*@/s, "");
      const image = `${repository}@${digest}`;
      // By digest, so that crane verifies the manifest's hash.
      const manifest = Manifest.parse(JSON.parse(await crane(["manifest", image])));
      const { rootfs } = Config.parse(JSON.parse(await crane(["config", image])));
      if (rootfs.diff_ids.slice(-layers.length).join() !== layers.join())
        throw new ImageBuildFailed(`${image} does not end with the layers that were built`);
      return {
        digest,
        sizeBytes: [manifest.config, ...manifest.layers].reduce((sum, { size }) => sum + size, 0),
        layers: manifest.layers.map((layer) => layer.digest),
        ...(await tagImage(digest)),
      };
    } catch (error) {
      if (error instanceof ImageBuildFailed) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new ImageBuildFailed(`the image could not be pushed to ${repository}: ${reason}`, {
        cause: error,
      });
    }
  };
