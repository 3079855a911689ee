import { S3Bucket } from "@cdktn/provider-aws/lib/s3-bucket/index.js";
import { S3BucketLifecycleConfiguration } from "@cdktn/provider-aws/lib/s3-bucket-lifecycle-configuration/index.js";
import { S3BucketObjectLockConfigurationA } from "@cdktn/provider-aws/lib/s3-bucket-object-lock-configuration/index.js";
import { S3BucketOwnershipControls } from "@cdktn/provider-aws/lib/s3-bucket-ownership-controls/index.js";
import { S3BucketPolicy } from "@cdktn/provider-aws/lib/s3-bucket-policy/index.js";
import { S3BucketPublicAccessBlock } from "@cdktn/provider-aws/lib/s3-bucket-public-access-block/index.js";
import { S3BucketServerSideEncryptionConfigurationA } from "@cdktn/provider-aws/lib/s3-bucket-server-side-encryption-configuration/index.js";
import { S3BucketVersioningA } from "@cdktn/provider-aws/lib/s3-bucket-versioning/index.js";
import { Construct } from "constructs";
import { denyWithoutTls, toPolicyJson } from "../../permissions/statement.ts";
import { suppressFindings } from "../../suppress-findings.ts";

type Needs = {
  readonly name: string;
  /** ARN of the key that encrypts its objects. */
  readonly key: string;
  /** false: destroying the bucket also deletes its objects. */
  readonly protect: boolean;
  /** Objects expire after this many days; absent: never. */
  readonly expireDays?: number;
  /** Nobody deletes a version of an object before this time; absent: no lock. */
  readonly lock?: { readonly mode: "GOVERNANCE" | "COMPLIANCE"; readonly days: number };
};

/** A bucket only for this account's roles: encrypted, TLS only, versioned, never public. */
export const addPrivateBucket = (
  scope: Construct,
  id: string,
  { name, key, protect, expireDays, lock }: Needs,
): S3Bucket => {
  const place = new Construct(scope, id);
  const bucket = new S3Bucket(place, "bucket", {
    bucket: name,
    forceDestroy: !protect,
    ...(lock && { objectLockEnabled: true }),
  });
  suppressFindings(bucket, {
    CKV_AWS_18: "CloudTrail records access; access logs would need a second bucket with its own lifecycle",
    CKV_AWS_144: "one region: the objects can be created again from the repository or the registry",
    CKV2_AWS_62: "nothing consumes events of this bucket",
  });
  new S3BucketPublicAccessBlock(place, "public", {
    bucket: bucket.id,
    blockPublicAcls: true,
    blockPublicPolicy: true,
    ignorePublicAcls: true,
    restrictPublicBuckets: true,
  });
  new S3BucketOwnershipControls(place, "ownership", {
    bucket: bucket.id,
    rule: { objectOwnership: "BucketOwnerEnforced" },
  });
  const versions = new S3BucketVersioningA(place, "versions", {
    bucket: bucket.id,
    versioningConfiguration: { status: "Enabled" },
  });
  if (lock)
    new S3BucketObjectLockConfigurationA(place, "lock", {
      bucket: bucket.id,
      rule: { defaultRetention: { mode: lock.mode, days: lock.days } },
      dependsOn: [versions],
    });
  new S3BucketServerSideEncryptionConfigurationA(place, "encryption", {
    bucket: bucket.id,
    rule: [
      {
        applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: key },
        // Saves calls to KMS.
        bucketKeyEnabled: true,
      },
    ],
  });
  new S3BucketLifecycleConfiguration(place, "lifecycle", {
    bucket: bucket.id,
    rule: [
      {
        id: "leftovers",
        status: "Enabled",
        filter: [{ prefix: "" }],
        abortIncompleteMultipartUpload: [{ daysAfterInitiation: 7 }],
        // An object below a later version or a delete marker still counts where objects are locked.
        ...(lock ? {} : { noncurrentVersionExpiration: [{ noncurrentDays: 90 }] }),
        ...(expireDays === undefined ? {} : { expiration: [{ days: expireDays }] }),
      },
    ],
  });
  new S3BucketPolicy(place, "policy", {
    bucket: bucket.id,
    policy: toPolicyJson([denyWithoutTls("s3:*", [bucket.arn, `${bucket.arn}/*`])]),
  });
  return bucket;
};
