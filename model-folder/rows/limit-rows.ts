import { arrayLimits } from "#model-folder/manifest/array-limits.ts";
import { arrayShape, isArrayInput } from "#model-folder/manifest/array-shape.ts";
import type { Input } from "#model-folder/manifest/manifest.ts";

/** The elements of all tensors and images of one row; an open dimension counts as 1. */
export const countRowElements = (inputs: readonly Input[]): number =>
  inputs
    .filter(isArrayInput)
    .map((input) => arrayShape(input).reduce<number>((product, size) => product * (size ?? 1), 1))
    .reduce((sum, elements) => sum + elements, 0);

/** The most rows of a request: `most`, or fewer where a row's tensors and images would fill the memory. */
export const limitRows = (inputs: readonly Input[], most: number): number =>
  Math.max(
    1,
    Math.min(most, Math.floor(arrayLimits.requestElements / Math.max(1, countRowElements(inputs)))),
  );
