/** Longer words are rare. */
const maxWordLength = 48;
/** Of a generation; there are two. */
const maxWords = 10_000;
/** From this length on, V8 keeps a part of a text as a reference to it. */
const sharedLength = 13;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/** A copy that does not keep the text in memory from which the word was cut. */
const copyWord = (word: string): string =>
  word.length < sharedLength ? word : decoder.decode(encoder.encode(word));

/**
 * Remembers the tokens of words. When it is full, it forgets all words that nobody used since it was full before.
 * @param tokenize undefined: not a word for the cache's tokenizer
 */
export const createWordCache = <T>(
  tokenize: (word: string) => T | undefined,
): ((word: string) => T | undefined) => {
  let recent = new Map<string, T>();
  let older = new Map<string, T>();
  const keep = (word: string, tokens: T) => {
    if (recent.size >= maxWords) {
      older = recent;
      recent = new Map();
    }
    recent.set(copyWord(word), tokens);
  };
  return (word) => {
    const known = recent.get(word);
    if (known !== undefined) return known;
    const tokens = older.get(word) ?? tokenize(word);
    if (tokens !== undefined && word.length <= maxWordLength) keep(word, tokens);
    return tokens;
  };
};
