import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { getArtifactFile } from "#model-folder/manifest/get-artifact-file.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";

/** What serving a model's folder takes from its files, besides the ONNX file itself. */
export type PreparedFolder = {
  readonly manifest: Manifest;
  /** SHA-256 of the ONNX file, and of model.yaml: `sha256:` and hexadecimal. */
  readonly digest: string;
  readonly manifestDigest: string;
  /** Why the model must run in a process of its own; undefined: it may run in the one that answers requests. */
  readonly isolated?: string | undefined;
  /** The bytes of `model.plan` (compiled/plan-format.ts), for a model that is not isolated. */
  readonly plan?: Uint8Array | undefined;
};

/** SHA-256 of a file's content, as an image's digest is written. */
export const computeFileDigest = (content: Uint8Array): string =>
  `sha256:${createHash("sha256").update(content).digest("hex")}`;

/** Throws an Error unless the folder still holds the files that were prepared. */
export const assertUnchanged = async (
  folder: string,
  { manifest, digest, manifestDigest }: PreparedFolder,
): Promise<void> => {
  const read = async (name: string) => computeFileDigest(await readFile(join(folder, name)));
  if ((await read(getArtifactFile(manifest))) !== digest || (await read("model.yaml")) !== manifestDigest)
    throw new Error(
      `${folder} has changed since its model was opened: restart \`slipway serve\` to serve what is there now`,
    );
};
