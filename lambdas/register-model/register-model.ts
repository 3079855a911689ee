import * as z from "zod";
import type { Claims } from "#domain/claims/claims.ts";
import { parseBuiltImage } from "#domain/delivery/parse-built-image.ts";
import { copyCommittedModel } from "#domain/delivery/read-committed-model.ts";
import type { Ledger } from "#domain/ledger/ledger.ts";
import type { ProvenanceVerifier } from "#domain/provenance/provenance-store.ts";
import { getArtifactFile } from "#model-folder/manifest/get-artifact-file.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { readContent } from "#platform/files/file-content.ts";
import type { LocalFile } from "#platform/files/local-file.ts";
import { useTemporaryFolder } from "#platform/files/temporary-folder.ts";
import type { Registry } from "#platform/registry/registry.ts";
import type { Source } from "#platform/source/source.ts";
import type { RegisterModelInput, RegisterModelOutput } from "#statemachine/contracts.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

type RegisterModelDependencies = {
  readonly registry: Registry;
  readonly source: Source;
  readonly ledger: Ledger;
  readonly claims: Claims;
  readonly provenance: ProvenanceVerifier;
  /** Digest of the current builder. */
  readonly builder: () => Promise<string>;
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
 * Registers the model as a version and names it challenger. If prod already serves this image, it registers nothing and
 * says so. First the current builder must have signed that it built this image from this folder and runtime; otherwise
 * ProvenanceMissing, ProvenanceRefused or ProvenanceDiffers.
 */
export const registerModel =
  ({ registry, source, ledger, claims, provenance, builder }: RegisterModelDependencies) =>
  (input: RegisterModelInput): Promise<RegisterModelOutput> =>
    useTemporaryFolder("slipway-register-", async (folder) => {
      const { delivery, model, commit, build, runtime, fence } = input;
      const { digest } = parseBuiltImage(build);
      const { manifest, manifestText, files, hashes } = await copyCommittedModel({ source })(
        model,
        commit,
        folder,
      );
      const verified = await provenance.verify({
        digest,
        model,
        commit,
        runtime,
        builder: await builder(),
        files: hashes,
      });
      const champion = await ledger.serving("prod", model);
      if (champion?.digest === digest)
        return { status: "unchanged", version: champion.version, digest, provenance: verified };

      const fileOf = (name: string): LocalFile => {
        const file = files.get(name);
        if (!file) throw new ModelUnreadable(`models/${model}/${name} is not there`);
        return file;
      };
      const trainingMetrics = files.get("metrics.json");
      const { version } = await registry.register({
        model,
        delivery,
        artifact: fileOf(getArtifactFile(manifest)),
        tokenizer: manifest.tokenizer && fileOf(manifest.tokenizer.file),
        manifest: manifestText,
        metrics: trainingMetrics ? parseTrainingMetrics(await readContent(trainingMetrics)) : {},
        tags: {
          delivery,
          commit,
          digest,
          runtime,
          ...(verified && { builder: verified.builder }),
          artifact_sha256: getOwnProperty(hashes, getArtifactFile(manifest)) ?? "",
          holdout_sha256: hashes["holdout.csv"] ?? "",
          owner: manifest.owner,
        },
      });
      await claims.assertHeld("stage", model, fence);
      await registry.setAlias(model, "challenger", version);
      return { status: "registered", version, digest, provenance: verified };
    });
