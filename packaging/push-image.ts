import { createHash } from "node:crypto";
import * as z from "zod";
import { ImageBuildFailed } from "#platform/images/images.ts";
import { type Crane, CraneFailed } from "./crane.ts";

const Descriptor = z.object({ digest: z.string().regex(/^sha256:[0-9a-f]{64}$/), size: z.int().min(1) });
const Manifest = z.object({ config: Descriptor, layers: z.array(Descriptor).min(1) });
const Config = z.object({ rootfs: z.object({ diff_ids: z.array(z.string()) }) });

/** Stands where crane puts the digest of what it made. */
const placeholderDigest = `sha256:${"0".repeat(64)}`;

type PushedImage = {
  readonly digest: string;
  readonly sizeBytes: number;
  /** Digests of all layers, the base's first, as they lie in the registry. */
  readonly layers: readonly string[];
  /** The tag that the image has now. */
  readonly tag: string;
  /** A tag that was to be the image's and is another's: somebody else wrote it. */
  readonly foreign: string | undefined;
};

/**
 * Layers put onto the base image and pushed by the digest of what was just computed: no tag is ever asked what an image
 * is. The registry takes content under its own hash alone, and what it has it keeps. Afterwards the image gets the tag
 * of what is in it; where that one names another image, it gets one of its own.
 * Throws ImageBuildFailed.
 */
export const pushImage =
  ({ crane }: { readonly crane: Crane }) =>
  async (request: {
    readonly model: string;
    /** With its digest. */
    readonly baseImage: string;
    /** Without tag and digest. */
    readonly repository: string;
    /** `linux/arm64`, `linux/amd64`. */
    readonly platform: string;
    readonly layerFiles: readonly string[];
    /** Content hashes of these files, `sha256:…`. */
    readonly layers: readonly string[];
  }): Promise<PushedImage> => {
    const { model, baseImage, repository, platform, layerFiles, layers } = request;
    const digestOf = async (tag: string): Promise<string | undefined> => {
      try {
        return await crane(["digest", `${repository}:${tag}`]);
      } catch (error) {
        // Whatever else keeps the registry from answering keeps it from taking the tag, too.
        if (error instanceof CraneFailed) return undefined;
        throw error;
      }
    };
    const tagged = async (digest: string): Promise<Pick<PushedImage, "tag" | "foreign">> => {
      const contents = createHash("sha256")
        .update([baseImage, ...layers].join(" "))
        .digest("hex");
      const first = `${model}-${contents.slice(0, 16)}`;
      let foreign: string | undefined;
      for (const tag of [first, `${first}-${digest.slice("sha256:".length, "sha256:".length + 32)}`]) {
        const found = await digestOf(tag);
        if (found === undefined) await crane(["tag", `${repository}@${digest}`, tag]);
        if (found === undefined || found === digest) return { tag, foreign };
        foreign = tag;
      }
      throw new ImageBuildFailed(
        `${foreign} in ${repository} is the tag of another image than the one just built: somebody else pushes there. Take that right away, delete the tag and deliver again`,
      );
    };
    try {
      const made = await crane([
        ...["mutate", baseImage, "--platform", platform, "--append", layerFiles.join(",")],
        ...[
          "--cmd",
          "index.handler",
          "--workdir",
          "/var/task",
          "--tag",
          `${repository}@${placeholderDigest}`,
        ],
      ]);
      const digest = made.replace(/^.*@/s, "");
      const image = `${repository}@${digest}`;
      // By digest: what crane reads of it has that hash, or it refuses.
      const manifest = Manifest.parse(JSON.parse(await crane(["manifest", image])));
      const { rootfs } = Config.parse(JSON.parse(await crane(["config", image])));
      if (rootfs.diff_ids.slice(-layers.length).join() !== layers.join())
        throw new ImageBuildFailed(`${image} does not end with the layers that were built`);
      return {
        digest,
        sizeBytes: [manifest.config, ...manifest.layers].reduce((sum, { size }) => sum + size, 0),
        layers: manifest.layers.map((layer) => layer.digest),
        ...(await tagged(digest)),
      };
    } catch (error) {
      if (error instanceof ImageBuildFailed) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new ImageBuildFailed(`the image could not be pushed to ${repository}: ${reason}`, {
        cause: error,
      });
    }
  };
