import { isJsonObject } from "#untrusted/is-json-object.ts";
import { isId } from "./json-shapes.ts";

/** The largest vocabularies have a quarter of a million tokens. */
const maxId = 1 << 22;

/** Reads `vocab` of a WordPiece or BPE model. Undefined where an id is not one, or is that of two tokens. */
export const readVocabulary = (vocab: unknown): ReadonlyMap<string, number> | undefined => {
  if (!isJsonObject(vocab)) return undefined;
  const vocabulary = new Map<string, number>();
  const isUsed = new Uint8Array(maxId);
  for (const token in vocab) {
    const id = vocab[token];
    if (!isId(id) || id >= maxId || isUsed[id] === 1 || !token.isWellFormed()) return undefined;
    isUsed[id] = 1;
    vocabulary.set(token, id);
  }
  return vocabulary;
};
