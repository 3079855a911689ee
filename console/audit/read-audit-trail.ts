import type { TrailVerifier } from "#domain/audit/trail-verifier.ts";
import { ModelName } from "#model-folder/manifest/manifest.ts";
import type { AuditTrail } from "./audit-trail.ts";
import { toAuditTrail } from "./to-audit-trail.ts";

/** Reads and verifies a model's trail for its page; undefined: no model has such a name. */
export const readAuditTrail =
  (verifier: Pick<TrailVerifier, "verify">, tags: NonNullable<AuditTrail["tags"]>) =>
  async (model: string): Promise<AuditTrail | undefined> =>
    ModelName.safeParse(model).success ? toAuditTrail(await verifier.verify(model), tags) : undefined;
