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
  /** The archive that `npm run build` made (packaging/builder-archive.ts). */
  readonly archive: string;
};

/**
 * The code that builds images, as this platform applied it, and the bucket that keeps it beside how each image was
 * built. Its digest is of the very bytes that Terraform uploads.
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
    // The bucket's own key; said here so that a second plan finds nothing to change.
    serverSideEncryption: "aws:kms",
    kmsKeyId: key,
  });
  return { bucket, digest: `sha256:${digest}` };
};
