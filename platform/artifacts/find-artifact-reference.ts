import type { Artifact } from "#model-folder/manifest/artifact.ts";
import { getArtifactFile } from "#model-folder/manifest/get-artifact-file.ts";
import { parseLfsPointer } from "#model-folder/manifest/parse-lfs-pointer.ts";
import { ArtifactMissing, type ArtifactReference, ArtifactRefused } from "./artifacts.ts";

/**
 * Where a model's artefact is, if its folder does not hold it; undefined: the folder holds it.
 * @param committed the first bytes of the file with the artefact's name, undefined where there is none
 * Throws ArtifactRefused for an address beside a file, and ArtifactMissing for a pointer that cannot be read.
 */
export const findArtifactReference = (
  { artifact }: { readonly artifact: Artifact },
  committed: Uint8Array | undefined,
): ArtifactReference | undefined => {
  const file = getArtifactFile({ artifact });
  if (typeof artifact !== "string") {
    if (committed)
      throw new ArtifactRefused(
        `model.yaml names an address as the artefact, and ${file} is committed too: remove one of them.`,
      );
    return { kind: "address", ...artifact };
  }
  const parsed = parseLfsPointer(committed ?? new Uint8Array());
  switch (parsed.kind) {
    case "content":
      return undefined;
    case "pointer":
      return { kind: "lfs", file, sha256: parsed.sha256, size: parsed.size };
    case "malformed":
      throw new ArtifactMissing(
        `${file} starts as a Git LFS pointer, but is not one of version 1 without extensions: write it again with \`git lfs track "*.onnx"\` and \`git add --renormalize ${file}\`.`,
      );
    default:
      return parsed satisfies never;
  }
};
