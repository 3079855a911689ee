import type { GraphValue } from "./graph-value.ts";

/** More rows than a request may have. */
const maxBatchSize = 10_000;

type BatchSize =
  | { readonly status: "open" }
  | { readonly status: "fixed"; readonly rows: number }
  | { readonly status: "mismatched"; readonly message: string; readonly remedy: string };

/** How many rows a run of the graph takes: any number, or exactly as many as its inputs' first dimension says. */
export const findBatchSize = (inputs: readonly GraphValue[]): BatchSize => {
  const sizes = new Map(
    inputs.flatMap((value) => {
      const first = value.kind === "tensor" ? value.shape?.[0] : undefined;
      return typeof first === "number" ? [[first, value.name] as const] : [];
    }),
  );
  const [rows, ...others] = sizes.keys();
  if (rows === undefined) return { status: "open" };
  const remedy = "Export with an open first dimension: [None, …] (torch.onnx.export: dynamic_axes).";
  if (others.length > 0)
    return {
      status: "mismatched",
      message: `the graph's inputs take different numbers of rows (${[...sizes]
        .map(([size, name]) => `${name}: ${size}`)
        .slice(0, 20)
        .join(", ")})`,
      remedy,
    };
  if (rows < 1 || rows > maxBatchSize)
    return {
      status: "mismatched",
      message: `the graph takes exactly ${rows} rows (limit 1 to ${maxBatchSize})`,
      remedy,
    };
  return { status: "fixed", rows };
};
