import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { FolderProblem } from "#model-folder/manifest/folder-problem.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { parseLfsPointer } from "#model-folder/manifest/parse-lfs-pointer.ts";
import { isOnCodeCommit } from "./find-large-files.ts";
import { findRepository } from "./find-repository.ts";

/** Whether a folder's repository is delivered from CodeCommit: by its remote, or by its configuration for AWS. */
const isDeliveredFromCodeCommit = async (folder: string): Promise<boolean> => {
  if (await isOnCodeCommit(folder)) return true;
  const config = await readFile(join(findRepository(folder), "terraform", "config.ts"), "utf8").catch(
    () => "",
  );
  return /^\s*source:\s*\{\s*host:\s*"codecommit"/m.test(config);
};

type CheckedArtifact = {
  readonly manifest: Manifest;
  /** The file of the folder with the artefact's name, if there is one. */
  readonly committed: Uint8Array | undefined;
  /** Bytes of the artefact itself; undefined: it could not be read. */
  readonly size: number | undefined;
};

/** Problems of an artefact that a check on this machine passes, and a delivery does not. */
export const findDeliveryProblems = async (
  folder: string,
  { manifest, committed, size }: CheckedArtifact,
): Promise<readonly FolderProblem[]> => {
  const problems: FolderProblem[] = [];
  const { artifact, gates } = manifest;
  const isFile = typeof artifact === "object" && artifact.uri.startsWith("file:");
  const isPointer = parseLfsPointer(committed ?? new Uint8Array()).kind === "pointer";
  if ((isFile || isPointer) && (await isDeliveredFromCodeCommit(folder)))
    problems.push({
      severity: "warning",
      file: "model.yaml",
      path: "artifact",
      ...(isFile
        ? {
            message: "file: works on one machine only; a delivery on AWS ends with ArtifactRefused",
            remedy: "Use s3:// or https://.",
          }
        : {
            message: "CodeCommit has no Git LFS: a delivery ends with LfsUnavailable",
            remedy: "Use an address.",
          }),
    });
  const megabytes = (size ?? 0) / 1e6;
  if (megabytes > gates.imageSizeMb)
    problems.push({
      severity: "error",
      file: "model.yaml",
      path: "gates.imageSizeMb",
      message: `the artefact alone has ${megabytes.toFixed(1)} MB (limit ${gates.imageSizeMb} MB for the image)`,
      remedy: "Raise it, as far as the policy allows, or export a smaller model.",
    });
  return problems;
};
