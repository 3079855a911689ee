import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { formatSizes } from "#model-folder/onnx/format-graph-value.ts";
import type { OnShape } from "./on-shape.ts";
import { OutputNotFinite } from "./output-not-finite.ts";

const remedy = "export it with the rows as its first dimension";

/**
 * Creates a check that each output has one part per row in its first dimension. The number of elements alone does not show
 * it: the hidden states of two layers, [2, N, 3], have as many as N rows of [2, 3]. The check throws OutputNotFinite.
 */
export const assertOutputShapes = (manifest: Manifest): OnShape | undefined => {
  // [labels, N, 2]: scikit-learn's trees and neighbours have the rows in the middle.
  if (manifest.task === "multilabel") return undefined;
  const shapes = new Map(
    manifest.task === "tensors"
      ? manifest.output.tensors.map(({ name, graphOutput, shape }) => [graphOutput ?? name, shape])
      : [],
  );
  return (output, dims, rows) => {
    const elements = dims.reduce((product, size) => product * size, 1);
    const shape = shapes.get(output);
    const [first, ...inner] = dims;
    const fits =
      shape === undefined
        ? dims.length < 2 || first === rows || elements === rows
        : first === rows &&
          inner.length === shape.length &&
          inner.every((size, axis) => shape[axis] === null || shape[axis] === size);
    if (fits) return;
    throw new OutputNotFinite(
      `the model returned ${output} in the shape ${formatSizes(dims)} for ${rows} rows${shape ? `; the manifest says ${formatSizes(["N", ...shape])}` : ""}: ${remedy}`,
    );
  };
};
