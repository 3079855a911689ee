export type BytePairModel = {
  /** Has a token for each byte. */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** The rank of each merge, by the ids of its two tokens (pairKey). */
  readonly ranks: ReadonlyMap<number, number>;
  /** The token that each merge gives, by its rank. */
  readonly mergedIds: readonly number[];
  /** A word that is itself a token is that token, whatever its merges are. */
  readonly ignoreMerges: boolean;
};

/** Exact for ids below 2^26. */
export const pairKey = (left: number, right: number): number => left * 0x400_0000 + right;

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
export const createBytePairMerger = ({
  vocabulary,
  ranks,
  mergedIds,
  ignoreMerges,
}: BytePairModel): ((word: string) => readonly number[] | undefined) => {
  const byteIds = byteCharacters.map((character) => vocabulary.get(character) ?? 0);
  const noMerge = Number.MAX_SAFE_INTEGER;
  return (word) => {
    if (word.length > maxWordBytes) return undefined;
    const bytes = encoder.encode(word);
    if (bytes.length > maxWordBytes) return undefined;
    const whole = ignoreMerges
      ? vocabulary.get(Array.from(bytes, (byte) => byteCharacters[byte] ?? "").join(""))
      : undefined;
    if (whole !== undefined) return [whole];
    const ids: number[] = [];
    for (const byte of bytes) ids.push(byteIds[byte] ?? 0);
    const findRank = (at: number) => ranks.get(pairKey(ids[at] ?? 0, ids[at + 1] ?? 0)) ?? noMerge;
    /** The rank of each token with its right neighbour. */
    const pairRanks: number[] = [];
    for (let at = 0; at + 1 < ids.length; at++) pairRanks.push(findRank(at));
    for (;;) {
      let best = -1;
      let rank = noMerge;
      for (let at = 0; at < pairRanks.length; at++) {
        const each = pairRanks[at] ?? noMerge;
        if (each >= rank) continue;
        best = at;
        rank = each;
      }
      if (best < 0) return ids;
      ids[best] = mergedIds[rank] ?? 0;
      ids.splice(best + 1, 1);
      pairRanks.splice(best, 1);
      if (best < pairRanks.length) pairRanks[best] = findRank(best);
      if (best > 0) pairRanks[best - 1] = findRank(best - 1);
    }
  };
};
