import { listTextInputs } from "#model-folder/manifest/list-text-inputs.ts";
import type { Manifest, Row } from "#model-folder/manifest/manifest.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { splitWords } from "./split-words.ts";

type TagProblem = { readonly row: number; readonly message: string; readonly remedy: string };

/** Rows of entities whose cell has not one tag for each word of the text. */
export const checkTagCounts = (
  manifest: Manifest,
  rows: readonly Row[],
  cells: readonly string[],
): TagProblem[] => {
  if (manifest.task !== "entities") return [];
  const [name = ""] = listTextInputs(manifest);
  return cells.flatMap((cell, row) => {
    const tags = splitWords(cell).length;
    const words = splitWords(String(getOwnProperty(rows[row] ?? {}, name) ?? "")).length;
    return tags === words
      ? []
      : [
          {
            row,
            message: `${tags} tags for ${words} words of ${name}`,
            remedy: "Write one tag for each word between white space, separated by blanks.",
          },
        ];
  });
};
