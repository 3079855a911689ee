import type { GraphValue } from "./graph-value.ts";

/** A tensor's shape for a message: `[N, 4]`; `?` is an open dimension, `…` an undeclared shape. */
export const formatShape = ({ shape }: Pick<GraphValue & { readonly kind: "tensor" }, "shape">): string =>
  `[${shape?.map((size) => size ?? "?").join(", ") ?? "…"}]`;

/** Inputs or outputs of a graph for a message, at most 20: `label: int64 [N]; scores: float32 [N, 2]`. */
export const formatGraphValues = (values: readonly GraphValue[]): string =>
  values
    .slice(0, 20)
    .map((value) =>
      value.kind === "tensor"
        ? `${value.name}: ${value.type} ${formatShape(value)}`
        : `${value.name}: ${value.kind}`,
    )
    .join("; ");
