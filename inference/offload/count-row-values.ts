import { arrayShape } from "#model-folder/manifest/array-shape.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";

/** Values of one row: in the request, and elements of arrays in its prediction. An open dimension counts as 1. */
export type RowValues = {
  readonly inputs: number;
  /** Whether a row has nested arrays, so that its lists and objects are no rows. */
  readonly hasArrays: boolean;
  readonly outputs: number;
};

const countElements = (shape: readonly (number | null)[]): number =>
  shape.reduce<number>((product, size) => product * (size ?? 1), 1);

const countOutputs = (manifest: Manifest): number => {
  switch (manifest.task) {
    case "tensors":
      return manifest.output.tensors.reduce((sum, { shape }) => sum + countElements(shape), 0);
    case "embedding":
      return manifest.output.dimensions;
    default:
      // Labels and values are part of what a value of a table takes.
      return 0;
  }
};

/** Counts the values of a row of this model. An image is one text, whose bytes count elsewhere. */
export const countRowValues = (manifest: Manifest): RowValues => ({
  inputs: manifest.inputs
    .map((input) => (input.type === "tensor" ? countElements(arrayShape(input)) : 1))
    .reduce((sum, count) => sum + count, 0),
  hasArrays: manifest.inputs.some(({ type }) => type === "tensor"),
  outputs: countOutputs(manifest),
});
