import type { Blobs } from "#platform/blobs/blobs.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import type { Signer } from "#platform/signer/signer.ts";
import { openEnvelope, sealEnvelope } from "./envelope.ts";
import { type BuildFacts, makeStatement, ProvenanceStatement } from "./statement.ts";
import type { Provenance as Verified } from "./verified-provenance.ts";

/** Nothing is kept of how this image was built at this commit. */
export class ProvenanceMissing extends SlipwayError {
  override readonly name = "ProvenanceMissing";
  override readonly retryable = false;
}

/** What is kept of the build is not signed by the builder's key, or was changed. */
export class ProvenanceRefused extends SlipwayError {
  override readonly name = "ProvenanceRefused";
  override readonly retryable = false;
}

/** The builder's statement is of another build than the one that is to be deployed. */
export class ProvenanceDiffers extends SlipwayError {
  override readonly name = "ProvenanceDiffers";
  override readonly retryable = false;
}

/** What the statement must say; what is left out may be anything that the builder signed. */
export type ExpectedProvenance = {
  readonly digest: string;
  readonly model: string;
  readonly commit: string;
  /** The runtime layer of the delivery. */
  readonly runtime?: string;
  /** The builder in force. */
  readonly builder?: string;
  /** Content hashes of the model's folder as the source has it. */
  readonly files?: Readonly<Record<string, string>>;
};

/** By image and commit: commits that change nothing that is served share an image. */
export const toProvenanceKey = (digest: string, commit: string): string =>
  `provenance/${digest.replace(/^sha256:/, "")}/${commit}.dsse.json`;

const findDifferences = (statement: ProvenanceStatement, expected: ExpectedProvenance): readonly string[] => {
  const { buildDefinition, runDetails } = statement.predicate;
  const { model, commit } = buildDefinition.externalParameters;
  const dependencies = new Map(
    buildDefinition.resolvedDependencies.map(({ name, digest }) => [name, digest.sha256]),
  );
  const files = new Map(Object.entries(expected.files ?? {}));
  const folder = `models/${expected.model}/`;
  const builtFrom = [...dependencies.keys()].filter((name) => name.startsWith("models/"));
  const is = (what: string, stated: string | undefined, wanted: string | undefined) =>
    wanted === undefined || stated === wanted.replace(/^sha256:/, "")
      ? []
      : [`${what}: built ${stated ?? "without"}, expected ${wanted}`];
  return [
    ...is("image", statement.subject[0].digest.sha256, expected.digest),
    ...is("model", model, expected.model),
    ...is("commit", commit, expected.commit),
    ...is("runtime", dependencies.get("runtime"), expected.runtime),
    ...is("builder", runDetails.builder.builderDependencies[0].digest.sha256, expected.builder),
    ...[...files].flatMap(([name, hash]) => is(name, dependencies.get(`${folder}${name}`), hash)),
    ...(expected.files === undefined
      ? []
      : builtFrom
          .filter((name) => !name.startsWith(folder) || !files.has(name.slice(folder.length)))
          .map((name) => `${name}: built from it, not in the commit`)),
  ];
};

/**
 * How images were built, signed by the builder and kept under image and commit. An image of which nothing is kept is
 * not deployed; only a rollback may go to one from before provenance was kept (the ledger names its builder or none).
 */
export const createProvenanceStore = ({
  blobs,
  signer,
}: {
  readonly blobs: Pick<Blobs, "put" | "get">;
  readonly signer: Signer;
}) => ({
  /** Signs what a build says of itself and keeps it; the same build again replaces it. */
  record: async (build: BuildFacts): Promise<void> => {
    const statement = Buffer.from(JSON.stringify(makeStatement(build)));
    await blobs.put(toProvenanceKey(build.digest, build.commit), await sealEnvelope({ signer })(statement), {
      contentType: "application/vnd.dsse.envelope.v1+json",
    });
  },

  /** What the builder signed of this image. Throws ProvenanceMissing, ProvenanceRefused or ProvenanceDiffers. */
  verify: async (expected: ExpectedProvenance): Promise<Verified> => {
    const { digest, commit, model } = expected;
    const about = `${digest.slice(0, 19)}… of ${model} at ${commit.slice(0, 12)}`;
    const bytes = await blobs.get(toProvenanceKey(digest, commit));
    if (bytes === undefined) throw new ProvenanceMissing(`nothing says how ${about} was built`);
    const opened = await openEnvelope({ signer })(bytes);
    if (opened === undefined)
      throw new ProvenanceRefused(`the provenance of ${about} bears no valid signature of the builder's key`);
    let json: unknown;
    try {
      json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(opened.payload));
    } catch {
      json = undefined;
    }
    const statement = ProvenanceStatement.safeParse(json);
    if (!statement.success)
      throw new ProvenanceRefused(`the provenance of ${about} is no statement of a build`);
    const differences = findDifferences(statement.data, expected);
    if (differences.length > 0)
      throw new ProvenanceDiffers(
        `the provenance of ${about} is of another build: ${differences.join("; ")}`,
      );
    const { builder, metadata } = statement.data.predicate.runDetails;
    return {
      builder: `sha256:${builder.builderDependencies[0].digest.sha256}`,
      builderId: builder.id,
      commit,
      buildId: metadata.invocationId,
      keyId: opened.keyId,
    };
  },
});
export type ProvenanceStore = ReturnType<typeof createProvenanceStore>;

/** What a step needs: null where this world keeps no provenance. */
export type ProvenanceVerifier = { verify(expected: ExpectedProvenance): Promise<Verified | null> };
