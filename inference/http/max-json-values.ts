import type { Input } from "#model-folder/manifest/manifest.ts";
import { maxRows } from "#model-folder/rows/encode-rows.ts";
import { countRowElements, limitRows } from "#model-folder/rows/limit-rows.ts";

/** The part of a manifest that bounds a request. */
export type ModelInputs = { readonly inputs: readonly Input[] };

/** For values outside the rows, and for some nesting, so that it gets a better error than "too many values". */
const extraValues = 200_000;

/** Two bytes an element, in a body of 6 MB. */
const maxElementValues = 3_000_000;

/**
 * The most values (marks of countJsonTokens) in a valid request to this model: all rows, each value in its own list. It is
 * checked before parsing, because 30 KB of gzip can hold ten million empty objects, which need seconds and gigabytes.
 */
export const maxJsonValues = ({ inputs }: ModelInputs): number =>
  maxRows * (2 * inputs.length + 2) +
  // An element may be alone in its innermost array.
  Math.min(maxElementValues, 2 * countRowElements(inputs) * limitRows(inputs, maxRows)) +
  extraValues;
