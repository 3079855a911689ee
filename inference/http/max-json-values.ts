import type { Input } from "#model-folder/manifest/manifest.ts";
import { maxRows } from "#model-folder/rows/encode-rows.ts";

/** Of a manifest, what bounds a request. */
export type ModelInputs = { readonly inputs: readonly Input[] };

/** What may stand around the rows, and nesting that is better refused where it stands than as too many values. */
const extraValues = 200_000;

/**
 * The most values (marks of countJsonTokens) that a request of this model can hold: the rows that are taken, each value in a
 * list of its own. Looked at before anything is parsed,
 * because 30 KB of gzip can hold ten million empty objects, which take seconds and gigabytes.
 */
export const maxJsonValues = ({ inputs }: ModelInputs): number =>
  maxRows * (2 * inputs.length + 2) + extraValues;
