import { join } from "node:path";
import { ManifestInvalid } from "#model-folder/manifest/folder-problem.ts";
import { getArtifactFile } from "#model-folder/manifest/get-artifact-file.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { maxPointerBytes } from "#model-folder/manifest/parse-lfs-pointer.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import type { ArtifactRules } from "#platform/artifact-rules/artifact-rules.ts";
import { readContent } from "#platform/files/file-content.ts";
import { type LocalFile, writeLocalFile } from "#platform/files/local-file.ts";
import type { ArtifactReference, ArtifactStore, Artifacts } from "./artifacts.ts";
import { findArtifactReference } from "./find-artifact-reference.ts";
import { verifyArtifact } from "./verify-artifact.ts";

type ResolveDependencies = {
  readonly artifacts: Artifacts;
  /** Artefacts that were read before; absent: each is read from where it is. */
  readonly store?: ArtifactStore;
  /** The rules in force at a commit. */
  readonly rules: (commit: string) => Promise<ArtifactRules>;
  /** Called if the store had the artefact, so that its address was not read. */
  readonly onKept?: (reference: ArtifactAddress) => void;
};

type ArtifactAddress = Extract<ArtifactReference, { kind: "address" }>;

/** Another machine's address: what it holds cannot be seen without reading it. A file of this machine is always read. */
const isRemote = (reference: ArtifactReference): reference is ArtifactAddress =>
  reference.kind === "address" && !reference.uri.startsWith("file:");

/** Large enough for each manifest that can be read. */
const maxManifestBytes = 2 * 1_024 * 1_024;

/** The bytes of a file that may be a pointer; of a larger file none, because it is no pointer. */
const readPointer = async (file: LocalFile | undefined): Promise<Uint8Array | undefined> =>
  file && (file.size > maxPointerBytes ? new Uint8Array() : readContent(file));

const readManifestOf = async (files: ReadonlyMap<string, LocalFile>): Promise<Manifest | undefined> => {
  const file = files.get("model.yaml");
  if (!file || file.size > maxManifestBytes) return undefined;
  try {
    return readManifest(await readContent(file));
  } catch (error) {
    if (error instanceof ManifestInvalid) return undefined;
    throw error;
  }
};

/**
 * Adds the artefact to the copied files of a model's folder where they only say where it is. A folder whose manifest
 * cannot be read stays as it is, because the check explains why. Throws the errors of Artifacts.
 */
export const resolveModelFiles =
  ({ artifacts, store, rules, onKept }: ResolveDependencies) =>
  async (
    files: ReadonlyMap<string, LocalFile>,
    { commit, folder }: { readonly commit: string; readonly folder: string },
  ): Promise<ReadonlyMap<string, LocalFile>> => {
    const manifest = await readManifestOf(files);
    if (!manifest) return files;
    const name = getArtifactFile(manifest);
    const reference = findArtifactReference(manifest, await readPointer(files.get(name)));
    if (!reference) return files;
    const inForce = await rules(commit);
    // Before the store is read: an artefact that another model brought there is not allowed by that.
    artifacts.assertAllowed(reference, inForce);
    const kept = isRemote(reference) ? await store?.find(reference.sha256) : undefined;
    // What was kept once is compared with this commit's size and today's limit, as what is read now.
    const content = kept
      ? verifyArtifact(kept.open(), reference, inForce.maxBytes)
      : artifacts.open(reference, inForce);
    const artifact = await writeLocalFile(join(folder, "artifact"), content);
    if (kept && isRemote(reference)) onKept?.(reference);
    else await store?.keep(artifact);
    return new Map([...files, [name, artifact]]);
  };
