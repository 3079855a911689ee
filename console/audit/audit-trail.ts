/** One entry of a model's audit trail. */
type AuditEntry = {
  readonly sequence: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** `asked`, `decided`, `promoted`, `rolled back`, … */
  readonly kind: string;
  readonly who: string | null;
  /** The same people with their Slack users, whose display names the page shows; absent: nobody, or only a name is known. */
  readonly people?: readonly { readonly user: string; readonly name: string }[];
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
        /** How many entries come after the anchor: a change of them could stay hidden. Absent: none. */
        readonly unanchored?: number;
      }
    /** Which entry was changed, removed or reordered, as a sentence. */
    | {
        readonly status: "broken";
        readonly problem: string;
        /** Numbers of the entries that it is about, as far as it is about any. */
        readonly sequences: readonly number[];
      };
  /** Whether it was compared with the registry's tags; absent: it was. Some console may not read the registry. */
  readonly tags?: "compared" | "not compared";
};
