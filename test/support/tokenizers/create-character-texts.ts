const charactersPerText = 24;

/** Puts a character into the surroundings in which a tokenizer may treat it in another way. */
const surroundings: readonly ((character: string) => string)[] = [
  (character) => character,
  (character) => `a${character}b`,
  (character) => `A${character}\u0301${character}Σ`,
  (character) => `\u0323${character}1 ${character}\u0334`,
  (character) => `'${character}${character}'s!${character}`,
];

/**
 * Texts that have each character between two code points in each of the surroundings.
 * @param step 1: each character
 */
export const createCharacterTexts = function* (first: number, last: number, step = 1): Generator<string> {
  const characters: string[] = [];
  for (let code = first; code <= last; code += step) characters.push(String.fromCodePoint(code));
  for (let at = 0; at < characters.length; at += charactersPerText)
    for (const surround of surroundings)
      yield characters
        .slice(at, at + charactersPerText)
        .map(surround)
        .join(" ");
};
