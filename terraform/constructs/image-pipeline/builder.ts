import { S3Object } from "@cdktn/provider-aws/lib/s3-object/index.js";
import { Fn } from "cdktn";
import { Construct } from "constructs";
import type { Accounts } from "../../read-config.ts";
import type { ResourceNames } from "../../resource-names.ts";
import { addPrivateBucket } from "../private-bucket/private-bucket.ts";

type Needs = {
  readonly accounts: Accounts;
  readonly names: ResourceNames;
  readonly key: string;
  /** The archive that `npm run build` writes (packaging/builder-archive.ts). */
  readonly archive: string;
};

/**
 * The applied version of the code that builds images, and the bucket for it and for the images' provenance. The digest
 * is that of the bytes that Terraform uploads.
 */
export const addBuilder = (scope: Construct, id: string, needs: Needs) => {
  const { accounts, names, key, archive } = needs;
  const place = new Construct(scope, id);
  const bucket = addPrivateBucket(place, "artefacts", {
    name: names.artefactBucket,
    key,
    protect: accounts.tooling.protectData,
  });
  const digest = Fn.filesha256(archive);
  new S3Object(place, "archive", {
    bucket: bucket.id,
    key: `builder/${digest}.tar`,
    source: archive,
    contentType: "application/x-tar",
    // The bucket's default key; explicit, so that the next plan shows no change.
    serverSideEncryption: "aws:kms",
    kmsKeyId: key,
  });
  return { bucket, digest: `sha256:${digest}` };
};
