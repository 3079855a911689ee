import * as z from "zod";

/** 512 MiB: a build checks it with the smallest machine. */
const defaultMaxBytes = 536_870_912;

/** 2 GB: an ONNX file is one protobuf message, which ends at 2 GiB - 1. */
const largestArtifact = 2_000_000_000;

/** Where artefacts outside the repository may be read from: the section `artifacts` of a policy. */
export const ArtifactRules = z.strictObject({
  /** Names of S3 buckets. */
  buckets: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "a bucket's name"))
    .max(100)
    .default([]),
  /** Names of https hosts, in full: no pattern, no address, no port. */
  hosts: z
    .array(
      z.string().regex(/^(?:[a-z0-9-]{1,63}\.)+[a-z][a-z0-9-]{1,62}$/, "a host's full name in lower case"),
    )
    .max(100)
    .default([]),
  /** The largest artefact, in bytes; also of a Git LFS object. */
  maxBytes: z.int().min(1).max(largestArtifact).default(defaultMaxBytes),
});
export type ArtifactRules = z.infer<typeof ArtifactRules>;

/** Nothing is allowed but Git LFS, which the repository's own host answers. */
export const noArtifactAddresses: ArtifactRules = ArtifactRules.parse({});
