import type { S3Client } from "@aws-sdk/client-s3";
import type { ArtifactRules } from "#platform/artifact-rules/artifact-rules.ts";
import { type ArtifactReference, ArtifactRefused, type Artifacts } from "./artifacts.ts";
import { assertArtifactAllowed } from "./assert-artifact-allowed.ts";
import type { HttpsReader } from "./https-reader.ts";
import type { OpenLfsObject } from "./lfs.ts";
import { defaultTimeLimits } from "./limit-time.ts";
import { openRepositoryFile } from "./open-repository-file.ts";
import { assertArtifactSize, verifyArtifact } from "./verify-artifact.ts";

type ArtifactsDependencies = {
  readonly https: HttpsReader;
  /** Opened when the first bucket is read: on one machine most models need no client of AWS. */
  readonly s3: () => Promise<S3Client>;
  readonly lfs: OpenLfsObject;
  /** The repository whose files `file:` names; absent: such addresses are refused. */
  readonly repository?: string;
};

/** Reads artefacts from buckets, https hosts, Git LFS and, on one machine, the repository's folder. */
export const openArtifacts = ({ https, s3, lfs, repository }: ArtifactsDependencies): Artifacts => {
  const assertAllowed: Artifacts["assertAllowed"] = (reference, rules) => {
    assertArtifactAllowed(reference, rules);
    if (reference.kind === "address" && reference.uri.startsWith("file:") && repository === undefined)
      throw new ArtifactRefused(
        `${reference.uri} is a file of one machine, which nobody else can read: put the artefact into an allowed bucket, and name it as s3://bucket/key.`,
      );
  };

  const openBucket = async function* (uri: string) {
    // In its own file, so that one machine loads no client of AWS for it.
    const { openS3Artifact } = await import("./open-s3-artifact.ts");
    yield* openS3Artifact(await s3(), uri, defaultTimeLimits);
  };

  const openUnverified = (reference: ArtifactReference, rules: ArtifactRules): AsyncIterable<Uint8Array> => {
    if (reference.kind === "lfs") return lfs(reference);
    const { uri } = reference;
    if (uri.startsWith("s3:")) return openBucket(uri);
    if (uri.startsWith("file:") && repository !== undefined)
      return openRepositoryFile(repository, uri.slice("file:".length));
    return https(uri, {
      isAllowed: (host) => rules.hosts.includes(host),
      onLength: (bytes) => assertArtifactSize(reference, bytes, rules.maxBytes),
    });
  };

  return {
    assertAllowed,
    open: async function* (reference, rules) {
      assertAllowed(reference, rules);
      yield* verifyArtifact(openUnverified(reference, rules), reference, rules.maxBytes);
    },
  };
};
