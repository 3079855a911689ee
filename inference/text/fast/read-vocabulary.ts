import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { isJsonObject } from "#untrusted/is-json-object.ts";
import { isId } from "./json-shapes.ts";

/** The largest vocabularies have a quarter of a million tokens. */
const maxId = 1 << 22;

export type Vocabulary = {
  readonly ids: ReadonlyMap<string, number>;
  /** Of a token, in UTF-16 units. */
  readonly longest: number;
};

/** Reads `vocab` of a WordPiece or BPE model. Undefined where an id is not one, or is that of two tokens. */
export const readVocabulary = (vocab: unknown): Vocabulary | undefined => {
  if (!isJsonObject(vocab)) return undefined;
  const ids = new Map<string, number>();
  let longest = 0;
  const isUsed = new Uint8Array(maxId);
  // Not Object.entries: its 30,000 pairs take as long as all the rest.
  for (const token in vocab) {
    const id = getOwnProperty(vocab, token);
    if (!isId(id) || id >= maxId || isUsed[id] === 1 || !token.isWellFormed()) return undefined;
    isUsed[id] = 1;
    ids.set(token, id);
    if (token.length > longest) longest = token.length;
  }
  return { ids, longest };
};
