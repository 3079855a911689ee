import { type AuditReader, createAuditReader } from "#domain/audit/audit-reader.ts";
import { type AuditRecorder, createAuditRecorder } from "#domain/audit/audit-recorder.ts";
import type { LogWarning } from "#domain/delivery/log-warning.ts";
import type { ProvenanceEvidence } from "#domain/provenance/provenance-store.ts";
import type { Anchors } from "#platform/anchors/anchors.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import type { Registry } from "#platform/registry/registry.ts";
import { loadOnce } from "#platform/secrets/load-once.ts";
import type { Store } from "#platform/store/store.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";
import { warn as logWarning } from "./log-warning.ts";

/** The applied stacks are of a release before audit trails. */
export class AuditBucketMissing extends SlipwayError {
  override readonly name = "AuditBucketMissing";
  override readonly retryable = false;
}

type Needs = {
  /** Outputs of an earlier release name no bucket. */
  readonly env: Partial<GroupVariables<"audit">>;
  readonly store: Store;
  readonly clock: () => number;
};

/** In the bucket that the environment names. */
const createAnchors = ({ env }: Needs): Anchors => {
  const bucket = env.AUDIT_BUCKET;
  if (bucket !== undefined) {
    // S3's client is loaded after the acknowledgement of a click, for which Slack waits three seconds.
    const anchors = loadOnce(async () => (await import("./open-s3-anchors.ts")).openS3Anchors(bucket));
    return {
      put: async (head) => (await anchors()).put(head),
      list: async (model) => (await anchors()).list(model),
    };
  }
  const refuse = () =>
    Promise.reject(
      new AuditBucketMissing(
        "The applied stacks have no bucket for audit trails, because they are from an earlier release. Apply this release's stacks (docs/infrastructure.md), then run the command again.",
      ),
    );
  return { put: refuse, list: refuse };
};

/** Records the audit trails; without a registry its tags are left to the sweep. */
export const createAwsAudit = ({
  registry,
  warn = logWarning,
  ...needs
}: Needs & {
  readonly registry?: Pick<Registry, "setTags">;
  readonly warn?: LogWarning;
}): AuditRecorder =>
  createAuditRecorder({ ...needs, anchors: createAnchors(needs), warn, ...(registry && { registry }) });

/** Verifies and exports the audit trails. */
export const createAwsAuditReader = ({
  registry,
  provenance,
  ...needs
}: Needs & {
  readonly registry: Pick<Registry, "versions">;
  readonly provenance: ProvenanceEvidence;
}): AuditReader => createAuditReader({ ...needs, anchors: createAnchors(needs), registry, provenance });
