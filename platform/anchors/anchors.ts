import * as z from "zod";

/** The head of a model's audit trail at one moment: the hash of the entry with this sequence covers all entries before it. */
export const AnchoredHead = z.object({
  /** A part of a path. */
  model: z.string().regex(/^[a-z][a-z0-9-]{0,99}$/, "a model's name"),
  sequence: z.int().positive(),
  /** Of the entry, SHA-256 in hex. */
  hash: z.string().regex(/^[0-9a-f]{64}$/, "64 hex digits"),
});
export type AnchoredHead = z.infer<typeof AnchoredHead>;

export type Anchor = AnchoredHead & {
  /** When it was stored (epoch milliseconds), by the clock of the place that keeps it. */
  readonly at: number;
  /** Where an auditor finds it: a file, or an object and its version. */
  readonly place: string;
  /** Until when nobody may remove it (epoch milliseconds), where that is known. */
  readonly lockedUntil: number | null;
  /** The signed bytes as text, and their signature in base64, if the place signs. */
  readonly signature: { readonly keyId: string; readonly signed: string; readonly signature: string } | null;
};

/**
 * Heads of audit trails, outside the store that keeps the trails: a person who rewrites the store does not rewrite these.
 * Nothing that was put is replaced: another head of the same sequence is kept beside it, and both are listed.
 */
export interface Anchors {
  /** Idempotent. */
  put(head: AnchoredHead): Promise<void>;
  /**
   * The anchors of a model, in ascending order of their sequence. `invalid`: a sentence for each one that somebody changed,
   * or that is none.
   */
  list(model: string): Promise<{ readonly anchors: readonly Anchor[]; readonly invalid: readonly string[] }>;
}

const namePattern = /^(\d{10})-([0-9a-f]{64})\.json$/;

/** The name of an anchor's file or object holds all of it, so that a listing is enough to verify a trail. */
export const toAnchorName = ({ sequence, hash }: Pick<AnchoredHead, "sequence" | "hash">): string =>
  `${String(sequence).padStart(10, "0")}-${hash}.json`;

/** Undefined: not the name of an anchor. */
export const parseAnchorName = (model: string, name: string): AnchoredHead | undefined => {
  const [, sequence, hash] = namePattern.exec(name) ?? [];
  return AnchoredHead.safeParse({ model, sequence: Number(sequence), hash }).data;
};

/** In the order of the trail. */
export const sortAnchors = (anchors: readonly Anchor[]): readonly Anchor[] =>
  anchors.toSorted((left, right) => left.sequence - right.sequence || left.at - right.at);
