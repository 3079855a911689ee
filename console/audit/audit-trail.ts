/** One entry of a model's audit trail. */
type AuditEntry = {
  readonly sequence: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** `asked`, `decided`, `promoted`, `rolled back`, … */
  readonly kind: string;
  readonly who: string | null;
  readonly what: string;
  /** Of this entry, chained to the one before it. */
  readonly hash: string;
};

export type AuditTrail = {
  /** Newest first. */
  readonly entries: readonly AuditEntry[];
  readonly verification:
    | {
        readonly status: "verified";
        /** The newest entry whose hash is kept outside the store, and where; null: none yet. */
        readonly anchor: { readonly sequence: number; readonly where: string } | null;
      }
    /** Which entry was changed, removed or reordered, as a sentence. */
    | { readonly status: "broken"; readonly problem: string };
};
