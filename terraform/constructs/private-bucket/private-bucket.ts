import { S3Bucket } from "@cdktn/provider-aws/lib/s3-bucket/index.js";
import { S3BucketLifecycleConfiguration } from "@cdktn/provider-aws/lib/s3-bucket-lifecycle-configuration/index.js";
import { S3BucketOwnershipControls } from "@cdktn/provider-aws/lib/s3-bucket-ownership-controls/index.js";
import { S3BucketPolicy } from "@cdktn/provider-aws/lib/s3-bucket-policy/index.js";
import { S3BucketPublicAccessBlock } from "@cdktn/provider-aws/lib/s3-bucket-public-access-block/index.js";
import { S3BucketServerSideEncryptionConfigurationA } from "@cdktn/provider-aws/lib/s3-bucket-server-side-encryption-configuration/index.js";
import { S3BucketVersioningA } from "@cdktn/provider-aws/lib/s3-bucket-versioning/index.js";
import { Construct } from "constructs";
import { toPolicyJson } from "../../permissions/statement.ts";
import { suppressFindings } from "../../suppress-findings.ts";

type Needs = {
  readonly name: string;
  /** ARN of the key that its objects lie under. */
  readonly key: string;
  /** false: it goes with all that lies in it when it is destroyed. */
  readonly protect: boolean;
  /** Objects end after so many days; absent: never. */
  readonly expireDays?: number;
};

/** A bucket for this account's roles alone: under a key, by TLS, versioned, never public. */
export const addPrivateBucket = (
  scope: Construct,
  id: string,
  { name, key, protect, expireDays }: Needs,
): S3Bucket => {
  const place = new Construct(scope, id);
  const bucket = new S3Bucket(place, "bucket", { bucket: name, forceDestroy: !protect });
  suppressFindings(bucket, {
    CKV_AWS_18:
      "CloudTrail tells who read what; access logs would need a second bucket and its own lifecycle",
    CKV_AWS_144: "one region: what lies here can be made again from the repository or the registry",
    CKV2_AWS_62: "nobody waits for events of this bucket",
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
  new S3BucketVersioningA(place, "versions", {
    bucket: bucket.id,
    versioningConfiguration: { status: "Enabled" },
  });
  new S3BucketServerSideEncryptionConfigurationA(place, "encryption", {
    bucket: bucket.id,
    rule: [
      {
        applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: key },
        // One call to KMS for many objects.
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
        noncurrentVersionExpiration: [{ noncurrentDays: 90 }],
        ...(expireDays === undefined ? {} : { expiration: [{ days: expireDays }] }),
      },
    ],
  });
  new S3BucketPolicy(place, "policy", {
    bucket: bucket.id,
    policy: toPolicyJson([
      {
        Sid: "OnlyByTls",
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: [bucket.arn, `${bucket.arn}/*`],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ]),
  });
  return bucket;
};
