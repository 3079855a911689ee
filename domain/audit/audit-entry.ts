import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import * as z from "zod";
import { AnswerOrigin } from "#domain/approval/answer-origin.ts";
import { Outcome } from "#domain/delivery/outcomes.ts";
import { Digest } from "#platform/images/images.ts";

/** SHA-256 in hex. */
const Hash = z.string().regex(/^[0-9a-f]{64}$/, "64 hex digits");

/**
 * A JSON document without half characters (lone surrogates), which a person may type and RFC 8785 refuses: they become
 * U+FFFD.
 */
export const toWellFormedJson = (value: unknown): z.core.util.JSONType =>
  z
    .json()
    .parse(
      JSON.parse(JSON.stringify(value), (_, inner) =>
        typeof inner === "string" ? inner.toWellFormed() : inner,
      ),
    );

/** Hash of a JSON document in its canonical form (RFC 8785): spaces and the order of fields change nothing. */
export const hashJson = (value: unknown): string => {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("only a JSON document has a hash");
  return createHash("sha256").update(text).digest("hex");
};

const Artefact = z.object({ version: z.int(), digest: Digest });
const Person = z.object({ user: z.string(), name: z.string() });
/** The platform's policy that was in force; null: the platform has none. */
const PolicyInForce = z.object({ revision: z.int(), digest: Digest }).nullable();
/** Null: whether the version may go to prod. Otherwise whether its inconclusive canary may go on. */
const CanaryQuestion = z.object({ step: z.int(), percent: z.number() }).nullable();

/**
 * What is recorded, by kind. Readers accept other kinds: a later release adds its own here, and an older one still verifies
 * them.
 */
const AuditDetail = z.discriminatedUnion("kind", [
  /** Always the first entry. What happened before it is not in the trail. */
  z.object({
    kind: z.literal("trail-started"),
    detail: z.object({
      /** What prod served then, and the last entry of its ledger; null: it served nothing, and the trail is complete. */
      before: Artefact.extend({ ledgerEntry: z.int() }).nullable(),
    }),
  }),
  /** Who asked, about what, whom, and what they saw. */
  z.object({
    kind: z.literal("question-opened"),
    detail: z.object({
      approval: z.string(),
      canary: CanaryQuestion,
      commit: z.string(),
      digest: Digest,
      /** What prod served: the sequence in its ledger; 0: nothing. */
      baseline: z.int(),
      fence: z.int(),
      /** By the commit, unverified. */
      author: z.object({ name: z.string(), email: z.string() }),
      pusher: z.string().nullable(),
      contributors: z.object({ people: z.array(z.string()), unmapped: z.array(z.string()) }).nullable(),
      approvers: z.array(z.string()),
      leftOut: z.array(z.string()),
      quorum: z.int(),
      authorMayApprove: z.boolean(),
      expiresAt: z.string(),
      /** Hash of the evidence that the approvers saw, which is stored beside the trail. */
      evidence: Hash,
      policy: PolicyInForce,
    }),
  }),
  z.object({
    kind: z.literal("vote"),
    detail: Person.extend({
      approval: z.string(),
      verdict: z.enum(["approved", "rejected"]),
      ...AnswerOrigin.shape,
    }),
  }),
  z.object({
    kind: z.literal("decision"),
    detail: z.object({
      approval: z.string(),
      canary: CanaryQuestion,
      verdict: z.enum(["approved", "rejected"]),
      by: z.array(Person.extend({ at: z.string() })),
      reason: z.string().nullable(),
      quorum: z.int(),
      digest: Digest,
      policy: PolicyInForce,
    }),
  }),
  z.object({
    kind: z.literal("question-withdrawn"),
    detail: z.object({ approval: z.string(), reason: z.string() }),
  }),
  z.object({ kind: z.literal("question-expired"), detail: z.object({ approval: z.string() }) }),
  /** One approver more than the quorum let the delivery change prod although it was closed. */
  z.object({
    kind: z.literal("break-glass"),
    detail: Person.extend({
      approval: z.string(),
      reason: z.string(),
      /** Why prod was closed; null: it was recorded after the delivery had gone on. */
      closure: z.string().nullable(),
      ...AnswerOrigin.shape,
    }),
  }),
  /** No delivery may change prod until a time. A later freeze of the same scope replaces it. */
  z.object({
    kind: z.literal("frozen"),
    detail: Person.extend({ scope: z.string(), until: z.string(), reason: z.string() }),
  }),
  /** A person ended a freeze before its time. */
  z.object({
    kind: z.literal("unfrozen"),
    detail: Person.extend({
      scope: z.string(),
      /** Of the freeze: when it was made, and its own end. */
      frozenAt: z.string(),
      until: z.string(),
    }),
  }),
  /** A share of prod's traffic, in percent. */
  z.object({
    kind: z.literal("deployed"),
    detail: Artefact.extend({ ledgerEntry: z.int(), percent: z.number() }),
  }),
  /** What a person ordered about the canary: `until` for a hold. */
  z.object({
    kind: z.literal("canary-order"),
    detail: Person.extend({
      order: z.enum(["hold", "end-hold", "go", "abort"]),
      until: z.string().nullable(),
      reason: z.string().nullable(),
      ...AnswerOrigin.shape,
    }),
  }),
  z.object({
    kind: z.literal("promoted"),
    detail: Artefact.extend({ ledgerEntry: z.int(), approvedBy: z.array(z.string()) }),
  }),
  /** By a person, with `by` as who and why; or by the delivery itself, with `by` null. */
  z.object({
    kind: z.literal("rolled-back"),
    detail: z.object({
      ledgerEntry: z.int(),
      by: z.string().nullable(),
      from: Artefact.nullable(),
      to: Artefact.nullable(),
    }),
  }),
  z.object({
    kind: z.literal("delivery-ended"),
    detail: z.object({
      outcome: Outcome,
      error: z.object({ name: z.string(), cause: z.string() }).nullable(),
    }),
  }),
]);

/** A fact about a model, before it has a place in its trail. */
export const AuditFact = z.intersection(
  z.object({
    /** Equal for the same fact, so that it is recorded once. */
    fact: z.string(),
    /** The delivery or the person's rollback; null: none. */
    delivery: z.string().nullable(),
    /** Registry version; null: none. */
    version: z.int().nullable(),
    /** When it happened, ISO 8601. */
    at: z.string(),
  }),
  AuditDetail,
);
export type AuditFact = z.infer<typeof AuditFact>;

const auditFormat = "slipway-audit/1";

/** An entry of a trail as it is stored and hashed. */
export const AuditEntry = z.strictObject({
  format: z.literal(auditFormat),
  model: z.string(),
  /** 1, 2, 3 … */
  sequence: z.int().positive(),
  /** Hash of the entry before it; null: it is the first. */
  previous: Hash.nullable(),
  fact: z.string(),
  kind: z.string(),
  delivery: z.string().nullable(),
  version: z.int().nullable(),
  at: z.string(),
  /** When it was written into the trail, ISO 8601: after `at`, minutes later where a crash came in between. */
  recordedAt: z.string(),
  detail: z.record(z.string(), z.json()),
  /** Of all other fields, in canonical form. */
  hash: Hash,
});
export type AuditEntry = z.infer<typeof AuditEntry>;

export const hashEntry = ({ hash: _, ...fields }: AuditEntry): string => hashJson(fields);

/** Turns a fact into the entry that follows `previous`. */
export const toAuditEntry = (
  { fact, kind, delivery, version, at, detail }: AuditFact,
  {
    model,
    previous,
    recordedAt,
  }: {
    readonly model: string;
    readonly previous: Pick<AuditEntry, "sequence" | "hash"> | undefined;
    readonly recordedAt: string;
  },
): AuditEntry => {
  const fields = {
    format: auditFormat,
    model,
    sequence: (previous?.sequence ?? 0) + 1,
    previous: previous?.hash ?? null,
    fact,
    kind,
    delivery,
    version,
    at,
    recordedAt,
    detail: AuditEntry.shape.detail.parse(toWellFormedJson(detail)),
  } as const;
  return { ...fields, hash: hashJson(fields) };
};

/** Keys in the store. Everything is permanent: nothing of a trail expires. */
export const auditKeys = {
  /** Its items in their order are the trail of a model. */
  trail: (model: string) => `audit#${model}`,
  entry: (model: string, sequence: number) => ({
    partition: `audit#${model}`,
    sort: String(sequence).padStart(10, "0"),
  }),
  notes: (model: string) => `audit-facts#${model}`,
  /** Where the trail has a fact; it only saves reading the whole trail, and proves nothing. */
  fact: (model: string, { delivery, fact }: Pick<AuditEntry, "delivery" | "fact">) => ({
    partition: `audit-facts#${model}`,
    sort: `${toFactPrefix(delivery)}${hashJson(fact)}`,
  }),
  facts: (model: string, delivery: string | null) => ({
    partition: `audit-facts#${model}`,
    prefix: toFactPrefix(delivery),
  }),
  /** What the approvers saw, by its hash. */
  evidence: (model: string, hash: string) => ({ partition: `audit-evidence#${model}`, sort: hash }),
  /** What was anchored last, so that the sweep knows what is missing; it proves nothing. */
  progress: (model: string) => ({ partition: "audit-progress", sort: model }),
  allProgress: { partition: "audit-progress" },
} as const;

const toFactPrefix = (delivery: string | null): string => `${delivery ?? ""}#`;

/** Where an entry is in its trail. */
export const AuditPlace = z.object({ sequence: z.int().positive(), hash: Hash });
export type AuditPlace = z.infer<typeof AuditPlace>;

/** An entry's place for people, `12 · 3f9c1a2b4d5e6f70`; also what `slipway audit --anchor` reads. */
export const formatAuditPlace = ({ sequence, hash }: AuditPlace): string =>
  `${sequence} · ${hash.slice(0, 16)}`;

/** The models of a freeze, for people; `*` is `everyModel`. */
export const formatScope = (scope: unknown): string => (scope === "*" ? "all models" : String(scope));
