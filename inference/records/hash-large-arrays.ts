import { hash } from "node:crypto";
import type { Row } from "#model-folder/manifest/manifest.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { setOwnProperty } from "#untrusted/set-own-property.ts";

/** Characters of a tensor's JSON or of an image's base64 that a record keeps. */
const maxCharacters = 16_384;

/**
 * The row as its record keeps it: a tensor or image above 16 KB is replaced by `sha256:<hash of its JSON>`, so that equal
 * ones can be found. Such a row cannot be replayed.
 * @param names inputs that are arrays
 */
export const hashLargeArrays =
  (names: readonly string[]) =>
  (row: Row): Row => {
    const kept = { ...row };
    for (const name of names) {
      const text = JSON.stringify(getOwnProperty(row, name) ?? null);
      if (text.length > maxCharacters) setOwnProperty(kept, name, `sha256:${hash("sha256", text, "hex")}`);
    }
    return kept;
  };
