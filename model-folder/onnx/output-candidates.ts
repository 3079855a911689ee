import type { Mismatch } from "./bind-inputs.ts";
import type { GraphValue } from "./graph-value.ts";

/**
 * The outputs to fetch: scores [N, labels]; only the second label's probability ([N] or [N, 1]); values as one tensor
 * [N, values]; or one tensor [N] or [N, 1] per value. An anomaly: its score, then its label. A cluster: its label, then
 * the distances or probabilities. Several labels: one tensor for all, or one for each.
 */
export type FindOutputResult =
  | {
      readonly status: "found";
      readonly names: readonly string[];
      /** How many numbers each of these outputs holds per row; 0 where there are no scores. */
      readonly width: number;
      /** A classification's output with each row's label, where the manifest names one; fetched after `names`. */
      readonly label?: string;
    }
  | ({ readonly status: "missing" } & Mismatch);

export type TensorValue = GraphValue & { readonly kind: "tensor" };

const floatTypes: ReadonlySet<string> = new Set(["float16", "float32", "float64"]);
const integerTypes: ReadonlySet<string> = new Set([
  "int8",
  "uint8",
  "int16",
  "uint16",
  "int32",
  "uint32",
  "int64",
  "uint64",
]);
export const isFloat = (value: GraphValue): value is TensorValue =>
  value.kind === "tensor" && floatTypes.has(value.type);
export const isInteger = (value: GraphValue): value is TensorValue =>
  value.kind === "tensor" && integerTypes.has(value.type);

const labelTypes: ReadonlySet<string> = new Set([
  "string",
  "int64",
  "int32",
  "int16",
  "int8",
  "uint8",
  "bool",
]);
/** Whether an output can hold labels: text or integers. */
export const isLabelTensor = (value: GraphValue): value is TensorValue =>
  value.kind === "tensor" && labelTypes.has(value.type);

/** Whether a tensor can hold `width` numbers per row; an open dimension can. */
export const hasWidth = (width: number) => {
  return ({ shape }: { readonly shape: readonly (number | string | null)[] | null }): boolean => {
    if (shape === null || (width === 1 && shape.length === 1)) return true;
    const last = shape.at(-1);
    return shape.length === 2 && (typeof last !== "number" || last === width);
  };
};
