import type { ProvenanceEvidence } from "#domain/provenance/provenance-store.ts";
import type { Anchors } from "#platform/anchors/anchors.ts";
import { PermissionMissing } from "#platform/errors/call-aws.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import type { Registry } from "#platform/registry/registry.ts";
import type { Store } from "#platform/store/store.ts";
import { type AuditDocument, documentFormat } from "./audit-document.ts";
import { type AuditEntry, auditKeys, hashJson } from "./audit-entry.ts";
import { createAuditTrail } from "./audit-trail.ts";
import { selectVersionEntries } from "./select-version-entries.ts";
import { createTrailVerifier } from "./trail-verifier.ts";
import { type Finding, type OutsideHead, verifyTrail } from "./verify-trail.ts";

/** The trail has no entry about this version. */
export class NoAuditEntries extends SlipwayError {
  override readonly name = "NoAuditEntries";
  override readonly retryable = false;
}

/** The newest versions whose tags are compared. */
const maxTaggedVersions = 500;

const toTime = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** Verifies audit trails against everything that lies outside the store, and exports the evidence of a version. */
export const createAuditReader = ({
  store,
  clock,
  anchors,
  registry,
  provenance,
}: {
  readonly store: Store;
  readonly clock: () => number;
  readonly anchors: Anchors;
  readonly registry: Pick<Registry, "versions">;
  readonly provenance: ProvenanceEvidence;
}) => {
  const trail = createAuditTrail({ store, clock });

  const { readOutside, verify } = createTrailVerifier({ store, clock, anchors, registry });

  const readEvidence = async (model: string, entries: readonly AuditEntry[]) => {
    const evidence = new Map<string, AuditDocument["evidence"][string]>();
    for (const { detail } of entries) {
      if (typeof detail.evidence !== "string") continue;
      const item = await store.get(auditKeys.evidence(model, detail.evidence));
      if (item) evidence.set(detail.evidence, item.value);
    }
    return Object.fromEntries(evidence);
  };

  /** What the approvers saw is stored beside the trail, which has its hash: each evidence that is not as it was. */
  const checkEvidence = async (
    model: string,
    entries: readonly AuditEntry[],
  ): Promise<readonly Finding[]> => {
    const stored = new Map(Object.entries(await readEvidence(model, entries)));
    return entries.flatMap(({ sequence, detail }): Finding[] => {
      if (typeof detail.evidence !== "string") return [];
      const hash = detail.evidence;
      const about = `The evidence ${hash.slice(0, 16)}… that the approvers of entry ${sequence} saw`;
      if (!stored.has(hash))
        return [{ kind: "removed", sequence, sentence: `${about} is missing, so it is not verified.` }];
      return hashJson(stored.get(hash)) === hash
        ? []
        : [{ kind: "changed", sequence, sentence: `${about} was changed.` }];
    });
  };

  const readProvenance = async (entries: readonly AuditEntry[]): Promise<AuditDocument["provenance"]> => {
    const builds = new Map<string, { digest: string; commit: string }>();
    for (const { detail } of entries)
      if (typeof detail.digest === "string" && typeof detail.commit === "string")
        builds.set(`${detail.digest} ${detail.commit}`, { digest: detail.digest, commit: detail.commit });
    const found: AuditDocument["provenance"] = [];
    for (const { digest, commit } of builds.values()) {
      const bytes = await provenance.readEnvelope(digest, commit);
      if (bytes) found.push({ digest, commit, envelope: Buffer.from(bytes).toString("base64") });
    }
    return found;
  };

  const readPublicKey = async (): Promise<string | null> => {
    try {
      return await provenance.publicKey();
    } catch (error) {
      // The document says that its signatures cannot be verified.
      if (error instanceof PermissionMissing) return null;
      throw error;
    }
  };

  return {
    verify: async (model: string): ReturnType<typeof verify> => {
      const verified = await verify(model);
      const evidence = await checkEvidence(model, verified.entries);
      return {
        ...verified,
        findings: [...verified.findings, ...evidence].toSorted(
          (left, right) => (left.sequence ?? 0) - (right.sequence ?? 0),
        ),
      };
    },

    /** The document of a version. Throws NoAuditEntries. */
    exportVersion: async (model: string, version: number): Promise<AuditDocument> => {
      const { locked, tags } = await readOutside(model);
      const heads = [...locked.map((anchor): OutsideHead => ({ ...anchor, from: "lock" })), ...tags];
      const { entries } = verifyTrail({ model, items: await trail.readItems(model), heads });
      const own = entries.filter((entry) => entry.version === version);
      if (own.length === 0) {
        const known = [...new Set(entries.map((entry) => entry.version))].filter((each) => each !== null);
        throw new NoAuditEntries(
          `The audit trail of ${model} has no entry about version ${version} (${known.length === 0 ? "it has none about any version" : `it has some about ${known.join(", ")}`}).`,
        );
      }
      const anchored = heads.map(({ sequence }) => sequence);
      const part = selectVersionEntries(entries, version, anchored);
      const [first, last] = [part[0]?.sequence ?? 1, part.at(-1)?.sequence ?? 0];
      const tagged = (await registry.versions(model, { limit: maxTaggedVersions })).find(
        (each) => each.version === version,
      );
      const covered = [
        ...locked.map((anchor) => ({ ...anchor, from: "lock" as const })),
        ...tags.map((tag) => ({ ...tag, lockedUntil: null, signature: null })),
      ].filter(({ sequence }) => sequence >= first && sequence <= last);
      return {
        format: documentFormat,
        model,
        version,
        exportedAt: new Date(clock()).toISOString(),
        entries: [...part],
        evidence: await readEvidence(model, own),
        anchors: covered.map(({ sequence, hash, from, place, at, lockedUntil, signature }) => ({
          ...{ sequence, hash, from, place, at: toTime(at) },
          ...{ lockedUntil: toTime(lockedUntil), signature },
        })),
        provenance: await readProvenance(own),
        publicKey: await readPublicKey(),
        registryTags: tagged ? { ...tagged.tags } : null,
      };
    },
  };
};
export type AuditReader = ReturnType<typeof createAuditReader>;
