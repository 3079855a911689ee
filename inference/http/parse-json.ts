/** A string that has an escape, and the colon behind it where it is a key. */
const stringWithEscape = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?/gs;

/** The key without escapes; as it was if it needs one. */
const writePlainly = (quotedKey: string): string => {
  const key: unknown = JSON.parse(quotedKey);
  const plain = `"${key}"`;
  return JSON.stringify(key) === plain ? plain : quotedKey;
};

/**
 * JSON.parse, and throws what it throws. V8 takes a key with an escape for an earlier one that equals the beginning of its
 * text: after a request with the key `pr\\u00`, it reads `pr\u00e9fix` as that (https://github.com/nodejs/node/issues/63785).
 * One client could have the valid requests of all others refused, so keys are parsed without escapes.
 */
export const parseJson = (text: string): unknown => {
  // Throws first: in a text that is no JSON, the search below could take the square of its length.
  const value: unknown = JSON.parse(text);
  // Few bodies have one at all.
  if (!text.includes("\\")) return value;
  const plain = text.replace(stringWithEscape, (token: string, colon?: string) =>
    colon === undefined || !token.includes("\\")
      ? token
      : writePlainly(token.slice(0, token.length - colon.length)) + colon,
  );
  return plain === text ? value : JSON.parse(plain);
};
