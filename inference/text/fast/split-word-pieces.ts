import type { Vocabulary } from "./read-vocabulary.ts";

export type WordPieceModel = {
  readonly vocabulary: Vocabulary;
  readonly unknownId: number;
  readonly continuingPrefix: string;
  /** In characters (code points). */
  readonly maxWordCharacters: number;
};

const countCharacters = (word: string): number => {
  let count = word.length;
  for (let at = 0; at + 1 < word.length; at++) if ((word.codePointAt(at) ?? 0) > 0xffff) count--;
  return count;
};

/**
 * The tokens of a word by WordPiece: from the left, the longest part that the vocabulary has; a word with a part that it has
 * not, or that is too long, is one unknown token (the reference implementation's models/wordpiece/mod.rs).
 */
export const createWordPieceSplitter = ({
  vocabulary,
  unknownId,
  continuingPrefix,
  maxWordCharacters,
}: WordPieceModel): ((word: string) => readonly number[]) => {
  const unknown = [unknownId];
  const { ids: vocabularyIds, longest } = vocabulary;
  return (word) => {
    if (word.length > maxWordCharacters && countCharacters(word) > maxWordCharacters) return unknown;
    const ids: number[] = [];
    for (let start = 0; start < word.length; ) {
      const prefix = start === 0 ? "" : continuingPrefix;
      let end = Math.min(word.length, start + longest - prefix.length);
      let id: number | undefined;
      for (; end > start; end--) {
        // A part that ends inside a surrogate pair is in no vocabulary: JSON of half a pair is refused.
        id = vocabularyIds.get(prefix + word.slice(start, end));
        if (id !== undefined) break;
      }
      if (id === undefined) return unknown;
      ids.push(id);
      start = end;
    }
    return ids;
  };
};
