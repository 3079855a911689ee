import type { TensorData } from "#model-folder/onnx/read-graph.ts";
import type { ColumnType, Scalar } from "./compiled-graph.ts";

/** A value in JSON, which has no NaN, no infinity, no negative zero and no 64-bit integer. */
export const toScalar = (value: number | bigint | string): Scalar => {
  if (typeof value === "bigint") return String(value);
  if (typeof value === "string") return value;
  return Number.isFinite(value) && !Object.is(value, -0)
    ? value
    : Object.is(value, -0)
      ? "-0"
      : String(value);
};

/** The values of a stored tensor, in JSON. */
export const toScalars = ({ values }: TensorData): readonly Scalar[] =>
  Array.from<number | bigint | string, Scalar>(values, toScalar);

/** The inverse of `toScalar` for a column of this type. */
export const fromScalar = (value: Scalar, type: ColumnType): number | bigint | string =>
  type === "string" ? String(value) : type === "int64" ? BigInt(value) : Number(value);
