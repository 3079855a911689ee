import * as z from "zod";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "a sha256 has 64 hexadecimal digits in lower case");

/** The largest number of bytes that an artefact can be declared with: an ONNX file is one protobuf message, which ends at 2 GiB - 1. */
const maxSize = 2_000_000_000;

/**
 * An https address of a named host, without user, port, query and fragment (a query may be a signature, and images and the
 * registry keep the manifest); a bucket and a key; or `file:` and a path from the repository's root in plain parts.
 */
const address =
  /^(?:https:\/\/(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]+\/(?!.*\/\.\.?(?:\/|$))[!"$->@-~]*|s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/[^\s?#]+|file:(?:\w[\w. -]*\/)*\w[\w. -]*)$/;

/** An artefact outside the repository. */
const ArtifactAddress = z.strictObject({
  uri: z
    .string()
    .max(2_000)
    .regex(
      address,
      "an address is https://host/path (without a query), s3://bucket/key or file:path/from/root",
    )
    .describe(
      "https://host/path or s3://bucket/key; on one machine also file:path from the repository's root",
    ),
  sha256: sha256,
  size: z.int().min(1).max(maxSize).optional(),
});

const ArtifactFile = z
  .string()
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9_.-]*\.onnx$/,
    "the artifact is a file name that ends in .onnx, beside model.yaml",
  );

/** Where the ONNX file is: beside model.yaml (the file itself or a Git LFS pointer), or at an address. */
export const Artifact = z.union([ArtifactFile, ArtifactAddress]);
export type Artifact = z.infer<typeof Artifact>;
