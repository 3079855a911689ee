import type { Mismatch } from "./bind-inputs.ts";
import type { GraphValue } from "./graph-value.ts";

/**
 * The outputs to fetch: scores [N, labels]; only the second label's probability ([N] or [N, 1]); values as one tensor
 * [N, values]; or one tensor [N] or [N, 1] per value. An anomaly: its score, then its label. A cluster: its label, then
 * the distances or probabilities. Several labels: one tensor for all, or one for each. Labels or vectors of tokens: one
 * tensor [N, tokens, width].
 */
export type FindOutputResult =
  | {
      readonly status: "found";
      readonly names: readonly string[];
      /** How many numbers each of these outputs holds per row. */
      readonly width: number;
    }
  | ({ readonly status: "missing" } & Mismatch);

type Tensor = GraphValue & { readonly kind: "tensor" };

export const isFloat = (value: GraphValue): value is Tensor =>
  value.kind === "tensor" && (value.type === "float32" || value.type === "float64");

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
export const isLabelTensor = (value: GraphValue): value is Tensor =>
  value.kind === "tensor" && labelTypes.has(value.type);

export const formatOutputs = (outputs: readonly GraphValue[]): string =>
  outputs
    .slice(0, 20)
    .map((value) =>
      value.kind === "tensor"
        ? `${value.name}: ${value.type} [${value.shape?.map((size) => size ?? "?").join(", ") ?? "…"}]`
        : `${value.name}: ${value.kind}`,
    )
    .join("; ");

/** Whether a tensor can hold `width` numbers per token, [N, tokens, width]; an open dimension can. */
export const hasTokenWidth = (width: number) => {
  return ({ shape }: { readonly shape: readonly (number | string | null)[] | null }): boolean => {
    const last = shape?.at(-1);
    return shape === null || (shape.length === 3 && (typeof last !== "number" || last === width));
  };
};

/** Whether a tensor can hold `width` numbers per row; an open dimension can. */
export const hasWidth = (width: number) => {
  return ({ shape }: { readonly shape: readonly (number | string | null)[] | null }): boolean => {
    if (shape === null || (width === 1 && shape.length === 1)) return true;
    const last = shape.at(-1);
    return shape.length === 2 && (typeof last !== "number" || last === width);
  };
};
