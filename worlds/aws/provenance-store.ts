import { KMSClient } from "@aws-sdk/client-kms";
import { S3Client } from "@aws-sdk/client-s3";
import { createProvenanceStore, type ProvenanceStore } from "#domain/provenance/provenance-store.ts";
import { createS3Blobs } from "#platform/blobs/s3.ts";
import { createKmsSigner } from "#platform/signer/kms.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";

/** Signed records of how images were built, in the bucket and with the key that the environment names. */
export const createAwsProvenanceStore = ({
  env,
}: {
  readonly env: GroupVariables<"provenance">;
}): ProvenanceStore =>
  createProvenanceStore({
    blobs: createS3Blobs({ client: new S3Client({}), bucket: env.PROVENANCE_BUCKET }),
    signer: createKmsSigner({ client: new KMSClient({}), key: env.SIGNER_KEY }),
  });
