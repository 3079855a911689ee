import type { ElementType, GraphValue } from "#model-folder/onnx/graph-value.ts";
import type { Probe } from "./probe-model.ts";

/** A graph's output of numbers, by row. */
export type RowNumbers = {
  readonly name: string;
  readonly type: ElementType;
  readonly rows: readonly (readonly number[])[];
  /** Numbers per row. */
  readonly width: number;
};

const floats: readonly string[] = ["float16", "float32", "float64"] satisfies ElementType[];
const integers: readonly string[] = ["int64", "int32"] satisfies ElementType[];

/** The outputs of floats, or of integers, as rows of numbers. */
export const readNumberOutputs = (
  kind: "float" | "integer",
  values: readonly GraphValue[],
  outputs: Probe["outputs"],
  rows: number,
): RowNumbers[] =>
  outputs.flatMap(({ name, data }) => {
    const value = values.find((each) => each.name === name);
    const width = data.length / rows;
    if (value?.kind !== "tensor" || !(kind === "float" ? floats : integers).includes(value.type)) return [];
    if (!Number.isInteger(width) || width < 1) return [];
    const numbers = data.map((cell) => (cell === null ? Number.NaN : Number(cell)));
    return [
      {
        name,
        type: value.type,
        width,
        rows: Array.from({ length: rows }, (_, row) => numbers.slice(row * width, (row + 1) * width)),
      },
    ];
  });
