import * as z from "zod";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "a sha256 has 64 hexadecimal digits in lower case");

/** The largest number of bytes that an artefact can be declared with: CopyObject of S3 takes no larger object. */
const maxSize = 5_000_000_000;

const parseUrl = (uri: string): URL | undefined => (URL.canParse(uri) ? new URL(uri) : undefined);

/** `file:` and a path from the repository's root, in plain parts. */
const filePath = /^file:(?!\/)(?:[A-Za-z0-9_][A-Za-z0-9_. -]*\/)*[A-Za-z0-9_][A-Za-z0-9_. -]*$/;
const s3Address = /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/[^\s?#]+$/;

const isHttpsAddress = (uri: string): boolean => {
  const url = parseUrl(uri);
  return (
    url?.protocol === "https:" &&
    url.username === "" &&
    url.password === "" &&
    url.port === "" &&
    url.hash === "" &&
    // Otherwise the address that people review is not the one that is read.
    url.href === uri
  );
};

/** An artefact outside the repository. */
export const ArtifactAddress = z.strictObject({
  uri: z
    .string()
    .max(2_000)
    .refine(
      (uri) => isHttpsAddress(uri) || s3Address.test(uri) || filePath.test(uri),
      "an address is https://host/path (without user, port and fragment), s3://bucket/key, or file:path from the repository's root",
    )
    .describe(
      "https://host/path, s3://bucket/key or, on one machine only, file:path from the repository's root",
    ),
  sha256: sha256.describe("of the file's bytes, hexadecimal; `sha256sum model.onnx` prints it"),
  size: z.int().min(1).max(maxSize).optional().describe("bytes; if given, another size is refused at once"),
});
export type ArtifactAddress = z.infer<typeof ArtifactAddress>;

const ArtifactFile = z
  .string()
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9_.-]*\.onnx$/,
    "the artifact is a file name that ends in .onnx, beside model.yaml",
  );

/** Where the ONNX file is: beside model.yaml (the file itself or a Git LFS pointer), or at an address. */
export const Artifact = z.union([ArtifactFile, ArtifactAddress]);
export type Artifact = z.infer<typeof Artifact>;
