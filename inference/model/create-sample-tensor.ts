import type { Input, NestedValues } from "#model-folder/manifest/manifest.ts";

/** A tensor that every model with this input must accept: 0, or the number nearest to it that the input allows. */
export const createSampleTensor = ({
  element,
  shape,
  min = 0,
  max = 0,
}: Input & { readonly type: "tensor" }): NestedValues => {
  const value = element === "bool" ? false : element === "string" ? "a" : min > 0 ? min : Math.min(0, max);
  return shape.reduceRight<NestedValues>(
    (inner, size) => Array.from({ length: size ?? 1 }, () => inner),
    value,
  );
};
