import { S3Client } from "@aws-sdk/client-s3";
import { type AuditRecorder, createAuditRecorder } from "#domain/audit/audit-recorder.ts";
import { createS3AnchorWriter } from "#platform/anchors/s3-anchor-writer.ts";
import type { Registry } from "#platform/registry/registry.ts";
import type { Store } from "#platform/store/store.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";
import { warn } from "./log-warning.ts";

/**
 * Records the audit trails, with their anchors in the bucket that the environment names. Without a registry its tags are
 * left to the sweep.
 */
export const createAwsAudit = ({
  env,
  ...needs
}: {
  readonly env: GroupVariables<"audit">;
  readonly store: Store;
  readonly clock: () => number;
  readonly registry?: Pick<Registry, "setTags">;
}): AuditRecorder =>
  createAuditRecorder({
    ...needs,
    anchors: createS3AnchorWriter({ client: new S3Client({}), bucket: env.AUDIT_BUCKET }),
    warn,
  });
