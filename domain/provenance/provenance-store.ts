import type { SmallBlobs } from "#platform/blobs/blobs.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import type { Signer } from "#platform/signer/signer.ts";
import { openEnvelope, sealEnvelope } from "./envelope.ts";
import { type BuildFacts, makeStatement, ProvenanceStatement } from "./statement.ts";
import type { Provenance as Verified } from "./verified-provenance.ts";

/** There is no provenance of this image at this commit. */
export class ProvenanceMissing extends SlipwayError {
  override readonly name = "ProvenanceMissing";
  override readonly retryable = false;
}

/** The provenance is not signed with the builder's key, or was changed. */
export class ProvenanceRefused extends SlipwayError {
  override readonly name = "ProvenanceRefused";
  override readonly retryable = false;
}

/** The provenance describes another build than the one to deploy. */
export class ProvenanceDiffers extends SlipwayError {
  override readonly name = "ProvenanceDiffers";
  override readonly retryable = false;
}

/** What the statement must contain. Absent fields are not compared. */
export type ExpectedProvenance = {
  readonly digest: string;
  readonly model: string;
  readonly commit: string;
  /** The runtime layer of the delivery. */
  readonly runtime?: string;
  /** The builder in force. */
  readonly builder?: string;
  /** Git's ids of every file of the model's folder in the source. */
  readonly gitBlobs?: ReadonlyMap<string, string>;
  /** Content hashes of those files that the caller read. */
  readonly files?: Readonly<Record<string, string>>;
};

/** A statement whose signature and content were verified. */
export type VerifiedBuild = { readonly provenance: Verified; readonly statement: ProvenanceStatement };

/** By image and commit: several commits may have the same image. */
export const toProvenanceKey = (digest: string, commit: string): string =>
  `provenance/${digest.replace(/^sha256:/, "")}/${commit}.dsse.json`;

const findDifferences = (statement: ProvenanceStatement, expected: ExpectedProvenance): readonly string[] => {
  const { buildDefinition, runDetails } = statement.predicate;
  const { model, commit } = buildDefinition.externalParameters;
  const dependencies = new Map(
    buildDefinition.resolvedDependencies.map(({ name, digest }) => [name, digest]),
  );
  const files = Object.entries(expected.files ?? {});
  const gitBlobs = expected.gitBlobs ?? new Map<string, string>();
  const folder = `models/${expected.model}/`;
  const builtFrom = [...dependencies.keys()].filter((name) => name.startsWith("models/"));
  const compare = (subject: string, stated: string | undefined, required: string | undefined) =>
    required === undefined || stated === required.replace(/^sha256:/, "")
      ? []
      : [`${subject}: built ${stated ?? "without"}, expected ${required}`];
  return [
    ...compare("image", statement.subject[0].digest.sha256, expected.digest),
    ...compare("model", model, expected.model),
    ...compare("commit", commit, expected.commit),
    ...compare("runtime", dependencies.get("runtime")?.sha256, expected.runtime),
    ...compare("builder", runDetails.builder.builderDependencies[0].digest.sha256, expected.builder),
    ...files.flatMap(([name, hash]) => compare(name, dependencies.get(`${folder}${name}`)?.sha256, hash)),
    ...[...gitBlobs].flatMap(([name, id]) =>
      compare(`${name} (git's id)`, dependencies.get(`${folder}${name}`)?.gitBlob, id),
    ),
    ...(expected.gitBlobs === undefined
      ? []
      : builtFrom
          .filter((name) => !name.startsWith(folder) || !gitBlobs.has(name.slice(folder.length)))
          .map((name) => `${name}: built from it, not in the commit`)),
  ];
};

/**
 * Signed statements of how images were built, by image and commit. An image without one is not deployed, except by a
 * rollback to an image from before provenance was kept (the ledger has no builder for it).
 */
export const createProvenanceStore = ({
  blobs,
  signer,
}: {
  readonly blobs: SmallBlobs;
  readonly signer: Signer;
}) => {
  /** Throws ProvenanceMissing, ProvenanceRefused or ProvenanceDiffers. */
  const verifyBuild = async (expected: ExpectedProvenance): Promise<VerifiedBuild> => {
    const { digest, commit, model } = expected;
    const subject = `${digest.slice(0, 19)}… of ${model} at ${commit.slice(0, 12)}`;
    const bytes = await blobs.get(toProvenanceKey(digest, commit));
    if (bytes === undefined) throw new ProvenanceMissing(`there is no provenance of ${subject}`);
    const opened = await openEnvelope({ signer })(bytes);
    if (opened === undefined)
      throw new ProvenanceRefused(`the provenance of ${subject} has no valid signature of the builder's key`);
    let json: unknown;
    try {
      json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(opened.payload));
    } catch {
      json = undefined;
    }
    const statement = ProvenanceStatement.safeParse(json);
    if (!statement.success)
      throw new ProvenanceRefused(`the provenance of ${subject} is not a statement of a build`);
    const differences = findDifferences(statement.data, expected);
    if (differences.length > 0)
      throw new ProvenanceDiffers(
        `the provenance of ${subject} describes another build: ${differences.join("; ")}`,
      );
    const { builder, metadata } = statement.data.predicate.runDetails;
    return {
      provenance: {
        builder: `sha256:${builder.builderDependencies[0].digest.sha256}`,
        builderId: builder.id,
        commit,
        buildId: metadata.invocationId,
        keyId: opened.keyId,
      },
      statement: statement.data,
    };
  };

  return {
    /** Signs and stores the statement of a build. The same build again replaces it. */
    record: async (build: BuildFacts): Promise<void> => {
      const statement = Buffer.from(JSON.stringify(makeStatement(build)));
      await blobs.put(
        toProvenanceKey(build.digest, build.commit),
        await sealEnvelope({ signer })(statement),
        {
          contentType: "application/vnd.dsse.envelope.v1+json",
        },
      );
    },

    verifyBuild,

    /** The signed statement as it is stored, to keep it elsewhere; undefined: there is none. */
    readEnvelope: (digest: string, commit: string): Promise<Uint8Array | undefined> =>
      blobs.get(toProvenanceKey(digest, commit)),
    /** Of the key that signs statements, as PEM. */
    publicKey: (): Promise<string> => signer.publicKey(),

    /** Throws ProvenanceMissing, ProvenanceRefused or ProvenanceDiffers. */
    verify: async (expected: ExpectedProvenance): Promise<Verified> =>
      (await verifyBuild(expected)).provenance,
  };
};
export type ProvenanceStore = ReturnType<typeof createProvenanceStore>;

/** Null where this world keeps no provenance. */
export type ProvenanceVerifier = { verify(expected: ExpectedProvenance): Promise<Verified | null> };
/** What an auditor keeps to verify a build without this installation. */
export type ProvenanceEvidence = Pick<ProvenanceStore, "readEnvelope" | "publicKey">;
/** Verifies what a build was made of. */
export type BuildVerifier = Pick<ProvenanceStore, "verifyBuild">;
