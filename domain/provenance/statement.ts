import * as z from "zod";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

const hex = z.string().regex(/^[0-9a-f]{64}$/);
const Sha256 = z.object({ sha256: hex });
/** `gitBlob`: the id that git gives to the same bytes. https://github.com/in-toto/attestation/blob/main/spec/v1/digest_set.md */
const Dependency = z.object({
  name: z.string(),
  digest: z.object({ sha256: hex, gitBlob: z.string().optional() }),
});
/** The name of the ONNX file that was packed, wherever the commit says it is. */
export const artifactDependency = "artefact";

/** Names the meaning of the parameters below. Another meaning needs another name. */
const buildType = "urn:slipway:build:image:v1";
const statementType = "https://in-toto.io/Statement/v1";
const predicateType = "https://slsa.dev/provenance/v1";

export const builderIds = {
  codebuild: "urn:slipway:builder:codebuild",
  embedded: "urn:slipway:builder:embedded",
} as const;

/**
 * in-toto Statement v1 with the SLSA provenance v1 predicate, with the fields that Slipway writes. Other fields are
 * allowed. https://slsa.dev/spec/v1.0/provenance
 */
export const ProvenanceStatement = z.object({
  _type: z.literal(statementType),
  predicateType: z.literal(predicateType),
  /** The image. */
  subject: z.tuple([z.object({ name: z.string(), digest: Sha256 })]),
  predicate: z.object({
    buildDefinition: z.object({
      buildType: z.literal(buildType),
      externalParameters: z.object({ model: z.string(), commit: z.string().regex(/^[0-9a-f]{40}$/) }),
      /** The runtime layer, the committed files of the model's folder, its artefact, and the base image if there is one. */
      resolvedDependencies: z.array(Dependency),
    }),
    runDetails: z.object({
      builder: z.object({
        id: z.enum([builderIds.codebuild, builderIds.embedded]),
        /** The builder's code with its lock file. */
        builderDependencies: z.tuple([z.object({ name: z.literal("builder"), digest: Sha256 })]),
      }),
      metadata: z.object({ invocationId: z.string(), finishedOn: z.iso.datetime() }),
      /** The image's layers in order. */
      byproducts: z.array(z.object({ name: z.literal("layer"), digest: Sha256 })),
    }),
  }),
});
export type ProvenanceStatement = z.infer<typeof ProvenanceStatement>;

/** Digests are `sha256:<hex>`, those of files `<hex>`. */
export type BuildFacts = {
  readonly digest: string;
  readonly model: string;
  readonly commit: string;
  readonly runtime: string;
  /** Content hashes of the model's folder, as it was committed, by file name. */
  readonly files: Readonly<Record<string, string>>;
  /** Git's ids of the same files. */
  readonly gitBlobs: Readonly<Record<string, string>>;
  /** Content hash of the packed ONNX file. */
  readonly artifact: string;
  readonly baseImage: string | null;
  readonly layers: readonly string[];
  readonly builderId: (typeof builderIds)[keyof typeof builderIds];
  readonly builder: string;
  readonly buildId: string;
  /** Epoch milliseconds. */
  readonly finishedAt: number;
};

const toSha256 = (digest: string) => ({ sha256: digest.replace(/^.*sha256:/, "") });

export const makeStatement = (build: BuildFacts): ProvenanceStatement =>
  ProvenanceStatement.parse({
    _type: statementType,
    subject: [{ name: build.model, digest: toSha256(build.digest) }],
    predicateType,
    predicate: {
      buildDefinition: {
        buildType,
        externalParameters: { model: build.model, commit: build.commit },
        resolvedDependencies: [
          { name: "runtime", digest: toSha256(build.runtime) },
          ...(build.baseImage === null ? [] : [{ name: "base image", digest: toSha256(build.baseImage) }]),
          ...Object.entries(build.files)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([name, digest]) => ({
              name: `models/${build.model}/${name}`,
              digest: { ...toSha256(digest), gitBlob: getOwnProperty(build.gitBlobs, name) },
            })),
          { name: artifactDependency, digest: toSha256(build.artifact) },
        ],
      },
      runDetails: {
        builder: {
          id: build.builderId,
          builderDependencies: [{ name: "builder", digest: toSha256(build.builder) }],
        },
        metadata: { invocationId: build.buildId, finishedOn: new Date(build.finishedAt).toISOString() },
        byproducts: build.layers.map((layer) => ({ name: "layer", digest: toSha256(layer) })),
      },
    },
  });
