export type BytePairModel = {
  /** Has a token for each byte. */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** The rank of each merge, by its two tokens with a space between them. */
  readonly ranks: ReadonlyMap<string, number>;
  /** A word that is itself a token is that token, whatever its merges are. */
  readonly ignoreMerges: boolean;
};

/** The character that stands for each byte (GPT-2's encoder.py: bytes_to_unicode). */
export const byteCharacters: readonly string[] = (() => {
  const isPrintable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++));
})();

/** Each merge looks at all pairs of a word: this bounds the cost of a word. */
const maxWordBytes = 160;
const encoder = new TextEncoder();

/**
 * The tokens of a word by byte-level BPE: of all pairs of neighbours the one of the lowest rank is merged, the leftmost of
 * several, until none is left (the reference implementation's models/bpe/word.rs). Undefined for words that are too long.
 */
export const createBytePairMerger =
  ({ vocabulary, ranks, ignoreMerges }: BytePairModel): ((word: string) => readonly number[] | undefined) =>
  (word) => {
    if (word.length > maxWordBytes) return undefined;
    const bytes = encoder.encode(word);
    if (bytes.length > maxWordBytes) return undefined;
    const parts = Array.from(bytes, (byte) => byteCharacters[byte] ?? "");
    const whole = ignoreMerges ? vocabulary.get(parts.join("")) : undefined;
    if (whole !== undefined) return [whole];
    const findRank = (at: number) => ranks.get(`${parts[at]} ${parts[at + 1]}`) ?? Number.POSITIVE_INFINITY;
    // The rank of each part with its right neighbour.
    const pairRanks = Array.from({ length: Math.max(0, parts.length - 1) }, (_, at) => findRank(at));
    for (;;) {
      let best = 0;
      for (let at = 1; at < pairRanks.length; at++)
        if ((pairRanks[at] ?? 0) < (pairRanks[best] ?? 0)) best = at;
      if ((pairRanks[best] ?? Number.POSITIVE_INFINITY) === Number.POSITIVE_INFINITY) break;
      parts.splice(best, 2, `${parts[best]}${parts[best + 1]}`);
      pairRanks.splice(best, 1);
      if (best < pairRanks.length) pairRanks[best] = findRank(best);
      if (best > 0) pairRanks[best - 1] = findRank(best - 1);
    }
    return parts.map((part) => vocabulary.get(part) ?? 0);
  };
