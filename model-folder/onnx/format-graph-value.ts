import type { GraphValue } from "./graph-value.ts";

/** Sizes of a tensor for a message: `[N, 4]`; `?` is an open dimension. */
export const formatSizes = (sizes: readonly (number | string | null)[]): string =>
  `[${sizes.map((size) => size ?? "?").join(", ")}]`;

/** A tensor's shape for a message; `[…]` is an undeclared one. */
export const formatShape = ({ shape }: Pick<GraphValue & { readonly kind: "tensor" }, "shape">): string =>
  shape ? formatSizes(shape) : "[…]";

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
