import { createPublicKey, type KeyObject, verify } from "node:crypto";
import * as z from "zod";
import { openEnvelope } from "#domain/provenance/envelope.ts";
import { ProvenanceStatement } from "#domain/provenance/statement.ts";
import { ModelName } from "#model-folder/manifest/manifest.ts";
import { AuditEntry, auditKeys, hashJson } from "./audit-entry.ts";
import { type Finding, type VerifiedTrail, verifyTrail } from "./verify-trail.ts";

export const documentFormat = "slipway-audit-document/1";

/** The evidence of one version: everything that an auditor needs to verify it without this installation. */
export const AuditDocument = z.strictObject({
  format: z.literal(documentFormat),
  model: ModelName,
  version: z.int().positive(),
  exportedAt: z.iso.datetime(),
  /** The part of the trail from the version's first entry to the first anchor after its last one, without a gap. */
  entries: z.array(AuditEntry).min(1),
  /** What the approvers saw, by its hash in the trail. */
  evidence: z.record(z.string(), z.json()),
  /** Heads of this part that lie outside the store. */
  anchors: z.array(
    z.strictObject({
      sequence: z.int().positive(),
      hash: z.string(),
      from: z.enum(["lock", "registry", "person"]),
      place: z.string(),
      at: z.iso.datetime().nullable(),
      lockedUntil: z.iso.datetime().nullable(),
      signature: z.strictObject({ keyId: z.string(), signed: z.string(), signature: z.string() }).nullable(),
    }),
  ),
  /** How the images were built: DSSE envelopes in base64. */
  provenance: z.array(z.strictObject({ digest: z.string(), commit: z.string(), envelope: z.base64() })),
  /** PEM of the keys that signed anchors and provenance; null: they could not be read. */
  publicKey: z.string().nullable(),
  /** Tags of the version in the registry; null: it has none. */
  registryTags: z.record(z.string(), z.string()).nullable(),
});
export type AuditDocument = z.infer<typeof AuditDocument>;

export type VerifiedDocument = VerifiedTrail & {
  /** What was verified, a sentence each. */
  readonly verified: readonly string[];
  /** What the document alone cannot prove, a sentence each. */
  readonly unproven: readonly string[];
};

const toKey = (pem: string | null): KeyObject | undefined => {
  if (pem === null) return undefined;
  try {
    return createPublicKey(pem);
  } catch {
    return undefined;
  }
};

/** Ed25519 of a data folder, or ECDSA with SHA-256 of KMS. */
const verifyWith = (key: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean =>
  verify(key.asymmetricKeyType === "ed25519" ? null : "sha256", bytes, key, signature);

const fail = (sentence: string, sequence: number | null = null): Finding => ({
  kind: "changed",
  sequence,
  sentence,
});

const checkEvidence = ({ entries, evidence, version }: AuditDocument): readonly Finding[] => {
  const needed = new Map(
    entries
      .filter((entry) => entry.version === version && entry.kind === "question-opened")
      .map(({ sequence, detail }) => [String(detail.evidence), sequence] as const),
  );
  return [
    ...[...needed]
      .filter(([hash]) => !Object.hasOwn(evidence, hash))
      .map(([hash, sequence]) =>
        fail(
          `The evidence ${hash.slice(0, 16)}… that the approvers of entry ${sequence} saw is missing.`,
          sequence,
        ),
      ),
    ...Object.entries(evidence).flatMap(([hash, content]) =>
      hashJson(content) === hash
        ? []
        : [fail(`The evidence ${hash.slice(0, 16)}… was changed.`, needed.get(hash) ?? null)],
    ),
  ];
};

/** What only a document can lack, because a trail has one entry at each place and begins with its first. */
const checkCompleteness = ({ entries, anchors, version }: AuditDocument): readonly Finding[] => {
  const own = entries.filter((entry) => entry.version === version);
  if (own.length === 0) return [fail(`The document has no entry about version ${version}.`)];
  const asked = new Set(
    own.filter(({ kind }) => kind === "question-opened").map(({ detail }) => detail.approval),
  );
  const unasked = own.find(
    ({ kind, detail }) => (kind === "vote" || kind === "decision") && !asked.has(detail.approval),
  );
  const first = entries[0]?.sequence ?? 1;
  return [
    ...(unasked
      ? [
          fail(
            `The question of entry ${unasked.sequence} is missing: the document begins after it, or it was removed.`,
            unasked.sequence,
          ),
        ]
      : []),
    ...anchors
      .filter(({ sequence }) => sequence < first)
      .map(({ sequence, place }) =>
        fail(
          `The anchor ${place} is about entry ${sequence}, which is not in the document: it confirms nothing.`,
        ),
      ),
  ];
};

const checkSignatures = ({ anchors, publicKey }: AuditDocument): readonly Finding[] => {
  const key = toKey(publicKey);
  return anchors.flatMap(({ sequence, hash, place, signature }) => {
    if (!signature) return [];
    const isSigned =
      key !== undefined &&
      verifyWith(key, Buffer.from(signature.signed), Buffer.from(signature.signature, "base64"));
    const stated = SignedHead.safeParse(parseJson(signature.signed)).data;
    return isSigned && stated?.sequence === sequence && stated.hash === hash
      ? []
      : [fail(`The signature of the anchor ${place} is not valid for it.`, sequence)];
  });
};
const SignedHead = z.looseObject({ sequence: z.int(), hash: z.string() });

const checkProvenance = async ({
  provenance,
  publicKey,
  entries,
  version,
}: AuditDocument): Promise<{
  readonly findings: readonly Finding[];
  readonly verified: readonly string[];
}> => {
  const key = toKey(publicKey);
  const findings: Finding[] = [];
  const verified: string[] = [];
  const decided = new Set(
    entries.filter((entry) => entry.version === version).map(({ detail }) => detail.digest),
  );
  for (const { digest, commit, envelope } of provenance) {
    if (!key) continue;
    const about = `${digest.slice(0, 19)}… at ${commit.slice(0, 12)}`;
    const opened = await openEnvelope({
      signer: { verify: async (bytes, { signature }) => verifyWith(key, bytes, signature) },
    })(Buffer.from(envelope, "base64"));
    const statement =
      opened && ProvenanceStatement.safeParse(parseJson(Buffer.from(opened.payload).toString())).data;
    const isAbout =
      statement?.subject[0].digest.sha256 === digest.replace(/^sha256:/, "") &&
      statement.predicate.buildDefinition.externalParameters.commit === commit &&
      decided.has(digest);
    if (isAbout) verified.push(`The provenance of ${about} is signed, and names this image and commit.`);
    else
      findings.push(fail(`The provenance of ${about} is not a signed statement of this image and commit.`));
  }
  return { findings, verified };
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Verifies a document by what is in it alone. */
export const verifyDocument = async (document: AuditDocument): Promise<VerifiedDocument> => {
  const { model, entries, anchors, publicKey } = document;
  const first = entries[0]?.sequence ?? 1;
  const trail = verifyTrail({
    model,
    first,
    items: entries.map((entry) => ({ key: auditKeys.entry(model, entry.sequence), value: entry })),
    heads: anchors.map(({ at, ...anchor }) => ({ ...anchor, at: at === null ? null : Date.parse(at) })),
  });
  const provenance = await checkProvenance(document);
  const findings = [
    ...trail.findings,
    ...checkCompleteness(document),
    ...checkEvidence(document),
    ...checkSignatures(document),
    ...provenance.findings,
  ];
  const last = entries.at(-1)?.sequence ?? first;
  const { newestAnchor } = trail;
  const key = newestAnchor ? `${newestAnchor.sequence} ${newestAnchor.hash}` : "";
  return {
    ...trail,
    findings,
    verified:
      findings.length > 0
        ? []
        : [
            `Entries ${first} to ${last} of the audit trail of ${model} follow each other.`,
            `The evidence is what the approvers saw (questions: ${Object.keys(document.evidence).length}).`,
            ...(newestAnchor
              ? [`The trail up to entry ${newestAnchor.sequence} is the one that was anchored.`]
              : []),
            ...provenance.verified,
          ],
    unproven: [
      ...(newestAnchor
        ? [
            `That the anchor ${key} was there at that time: compare it with ${newestAnchor.place}, the registry's tag and the message in Slack.`,
          ]
        : ["That nobody rewrote the trail: the document has no anchor."]),
      ...(publicKey === null
        ? ["The signatures of the provenance: the document has no public key."]
        : ["That the public key is the installation's: compare it with the one that you know."]),
      ...(document.provenance.length === 0
        ? ["How the image was built: the document has no provenance."]
        : []),
    ],
  };
};
