import { S3Client } from "@aws-sdk/client-s3";
import { type AuditReader, createAuditReader } from "#domain/audit/audit-reader.ts";
import type { ProvenanceEvidence } from "#domain/provenance/provenance-store.ts";
import { createS3Anchors } from "#platform/anchors/s3.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import type { Registry } from "#platform/registry/registry.ts";
import type { Store } from "#platform/store/store.ts";

/** The applied stacks are of a release before audit trails. */
export class AuditBucketMissing extends SlipwayError {
  override readonly name = "AuditBucketMissing";
  override readonly retryable = false;
}

/** Verifies and exports the audit trails, for the `slipway` command. */
export const createAwsAuditReader = ({
  env,
  ...needs
}: {
  readonly env: { readonly AUDIT_BUCKET?: string | undefined };
  readonly store: Store;
  readonly clock: () => number;
  readonly registry: Pick<Registry, "versions">;
  readonly provenance: ProvenanceEvidence;
}): AuditReader => {
  const bucket = env.AUDIT_BUCKET;
  const refuse = () =>
    Promise.reject(
      new AuditBucketMissing(
        "The applied stacks have no bucket for audit trails, because they are from an earlier release. Apply this release's stacks (docs/infrastructure.md), then run the command again.",
      ),
    );
  const anchors =
    bucket === undefined
      ? { put: refuse, list: refuse }
      : createS3Anchors({ client: new S3Client({}), bucket });
  return createAuditReader({ ...needs, anchors });
};
