import type { OnnxSummary } from "#model-folder/onnx/inspect-onnx.ts";
import { NewModelRefused } from "./new-model-refused.ts";

const maxOutputElements = 300_000;

/** Elements of the arrays of a row's prediction, as far as the graph declares their sizes. */
export const countOutputElements = ({ outputs }: Pick<OnnxSummary, "outputs">): number =>
  outputs
    .map((value) => {
      const sizes = value.kind === "tensor" ? (value.shape?.slice(1) ?? []) : [];
      return sizes.reduce<number>((product, size) => product * (typeof size === "number" ? size : 1), 1);
    })
    .reduce((sum, elements) => sum + elements, 0);

/** Throws NewModelRefused where a prediction would not fit into a response. */
export const assertOutputsFit = (elements: number): void => {
  if (elements <= maxOutputElements) return;
  throw new NewModelRefused(
    `a prediction has ${elements} elements (limit ${maxOutputElements}: a response has at most 6 MB, about 20 bytes an element)`,
    "Export a smaller result: a mask of classes (ArgMax) in place of its scores, a lower resolution, or only the outputs that callers need.",
  );
};
