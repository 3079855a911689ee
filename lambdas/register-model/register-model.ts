import * as z from "zod";
import type { Claims } from "#domain/claims/claims.ts";
import { parseBuiltImage } from "#domain/delivery/parse-built-image.ts";
import { readCommittedModel } from "#domain/delivery/read-committed-model.ts";
import type { Ledger } from "#domain/ledger/ledger.ts";
import type { Policy } from "#domain/policy/policy.ts";
import { type BuiltFiles, listBuiltFiles } from "#domain/provenance/list-built-files.ts";
import { type BuildVerifier, ProvenanceDiffers } from "#domain/provenance/provenance-store.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { parseLfsPointer } from "#model-folder/manifest/parse-lfs-pointer.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import {
  ArtifactMissing,
  type ArtifactStore,
  type Artifacts,
  toArtifactKey,
} from "#platform/artifacts/artifacts.ts";
import { computeSha256, type FileStream } from "#platform/files/file-content.ts";
import type { Registry } from "#platform/registry/registry.ts";
import type { Source } from "#platform/source/source.ts";
import type { RegisterModelInput, RegisterModelOutput } from "#statemachine/contracts.ts";

type RegisterModelDependencies = {
  readonly registry: Registry;
  readonly source: Source;
  /** Where builds keep artefacts. */
  readonly artifacts: Pick<ArtifactStore, "find">;
  readonly ledger: Ledger;
  readonly claims: Claims;
  readonly provenance: BuildVerifier;
  /** Digest of the current builder. */
  readonly builder: () => Promise<string>;
  readonly assertArtifactAllowed: Artifacts["assertAllowed"];
  /** The platform's copy of the policy. */
  readonly policy: { readonly read: () => Promise<{ readonly floor: Pick<Policy, "artifacts"> }> };
};

/** metrics.json may hold anything; plain numbers and `{ value: number }` become the version's metrics. */
const parseTrainingMetrics = (bytes: Uint8Array): Record<string, number> => {
  try {
    const entries = Object.entries(
      z.record(z.string(), z.unknown()).parse(JSON.parse(new TextDecoder().decode(bytes))),
    );
    return Object.fromEntries(
      entries.flatMap(([name, value]) => {
        const number = z
          .union([z.number(), z.object({ value: z.number() }).transform((metric) => metric.value)])
          .safeParse(value);
        return number.success ? [[name, number.data]] : [];
      }),
    );
  } catch {
    // Training metrics only inform people: a model is also delivered without them.
    return {};
  }
};

/**
 * The SHA-256 of the artefact that the commit names; undefined: it is a committed file, whose id in git was compared.
 */
const findNamedArtifact = async (
  source: Source,
  { model, commit }: Pick<RegisterModelInput, "model" | "commit">,
  manifest: Manifest,
  build: BuiltFiles,
): Promise<string | undefined> => {
  if (typeof manifest.artifact !== "string") return manifest.artifact.sha256;
  const file = manifest.artifact;
  const committed = build.files.get(file);
  if (committed === undefined) throw new ModelUnreadable(`models/${model}/${file} is not there`);
  if (committed === build.artifact) return undefined;
  // Only a pointer has another hash than the packed file, and a pointer is small.
  const pointer = parseLfsPointer(
    (await source.modelFiles(model, commit, [file])).get(file) ?? new Uint8Array(),
  );
  return pointer.kind === "pointer" ? pointer.sha256 : committed;
};

/**
 * A build on AWS has the list with which its stack was applied. An operator narrows the platform's copy in the store within
 * minutes, so that counts too before anything is registered. Throws ArtifactRefused and ArtifactTooLarge.
 */
const assertStillAllowed = async (
  { policy, assertArtifactAllowed }: Pick<RegisterModelDependencies, "policy" | "assertArtifactAllowed">,
  { artifact }: Manifest,
  { sha256, size }: FileStream,
): Promise<void> => {
  const reference =
    typeof artifact === "string"
      ? ({ kind: "lfs", file: artifact, sha256, size } as const)
      : ({ kind: "address", uri: artifact.uri, sha256, size } as const);
  assertArtifactAllowed(reference, (await policy.read()).floor.artifacts);
};

/**
 * Registers the model as a version and names it challenger. If prod already serves this image, it registers nothing and
 * says so. First the current builder must have signed that it built this image from this folder, its artefact and this
 * runtime; otherwise ProvenanceMissing, ProvenanceRefused or ProvenanceDiffers. The artefact comes from the store where
 * the build kept it: only the small files are read from the repository. One from outside the repository must still be where
 * the platform's copy of the policy allows it; otherwise ArtifactRefused or ArtifactTooLarge.
 */
export const registerModel =
  (needs: RegisterModelDependencies) =>
  async (input: RegisterModelInput): Promise<RegisterModelOutput> => {
    const { registry, source, artifacts, ledger, claims, provenance, builder } = needs;
    const { delivery, model, commit, build, runtime, fence } = input;
    const { digest } = parseBuiltImage(build);
    const { manifest, manifestText, files } = await readCommittedModel({ source })(model, commit);
    const verified = await provenance.verifyBuild({
      digest,
      model,
      commit,
      runtime,
      builder: await builder(),
      gitBlobs: await source.modelFileIds(model, commit),
      files: Object.fromEntries([...files].map(([name, bytes]) => [name, computeSha256(bytes)])),
    });
    const champion = await ledger.serving("prod", model);
    if (champion?.digest === digest)
      return { status: "unchanged", version: champion.version, digest, provenance: verified.provenance };

    const built = listBuiltFiles(verified.statement);
    const named = await findNamedArtifact(source, input, manifest, built);
    if (built.artifact === undefined || (named !== undefined && named !== built.artifact))
      throw new ProvenanceDiffers(
        `the provenance of ${digest.slice(0, 19)}… of ${model} at ${commit.slice(0, 12)} describes another build: artefact: built ${built.artifact ?? "without"}, expected ${named ?? "one"}`,
      );
    const artifact = await artifacts.find(built.artifact);
    if (!artifact)
      throw new ArtifactMissing(
        `${toArtifactKey(built.artifact)} of ${model} at ${commit.slice(0, 12)} is no longer where its build put it: deliver again to build it again.`,
      );
    if (named !== undefined) await assertStillAllowed(needs, manifest, artifact);
    const tokenizer = manifest.tokenizer && files.get(manifest.tokenizer.file);
    if (manifest.tokenizer && !tokenizer)
      throw new ModelUnreadable(`models/${model}/${manifest.tokenizer.file} is not there`);
    const trainingMetrics = files.get("metrics.json");
    const { version } = await registry.register({
      model,
      delivery,
      artifact,
      tokenizer,
      manifest: manifestText,
      metrics: trainingMetrics ? parseTrainingMetrics(trainingMetrics) : {},
      tags: {
        delivery,
        commit,
        digest,
        runtime,
        builder: verified.provenance.builder,
        artifact_sha256: artifact.sha256,
        holdout_sha256: built.files.get("holdout.csv") ?? "",
        owner: manifest.owner,
      },
    });
    await claims.assertHeld("stage", model, fence);
    await registry.setAlias(model, "challenger", version);
    return { status: "registered", version, digest, provenance: verified.provenance };
  };
