import { KMSClient } from "@aws-sdk/client-kms";
import { S3Client } from "@aws-sdk/client-s3";
import { type Provenance, provenance } from "#domain/provenance/provenance.ts";
import { s3Objects } from "#platform/blobs/s3/objects.ts";
import { kmsSigner } from "#platform/signer/kms.ts";
import type { Variables } from "./environment/environment-parts.ts";

/** How images were built, in the bucket and under the key that the environment names. */
export const provenanceOf = (env: Variables<"provenance">): Provenance =>
  provenance({
    blobs: s3Objects({ client: new S3Client({}), bucket: env.PROVENANCE_BUCKET }),
    signer: kmsSigner({ client: new KMSClient({}), key: env.SIGNER_KEY }),
  });
