/** ONNX's tensor element types by number, with onnxruntime's names. Source: onnx.proto, TensorProto.DataType. */
const elementTypes = {
  1: "float32",
  2: "uint8",
  3: "int8",
  4: "uint16",
  5: "int16",
  6: "int32",
  7: "int64",
  8: "string",
  9: "bool",
  10: "float16",
  11: "float64",
  12: "uint32",
  13: "uint64",
} as const;
export type ElementType = (typeof elementTypes)[keyof typeof elementTypes] | "other";

const elementTypesByNumber: Readonly<Record<number, ElementType>> = elementTypes;
/** Returns the name of an element type; `other` for complex, 8-bit float and 4-bit types. */
export const toElementType = (number: number): ElementType => elementTypesByNumber[number] ?? "other";

/** An input or output of a graph. A dimension is a length, a name, or null if it is open. */
export type GraphValue = { readonly name: string } & (
  | {
      readonly kind: "tensor";
      readonly type: ElementType;
      readonly shape: readonly (number | string | null)[] | null;
    }
  | { readonly kind: "sequence" | "map" | "optional" | "sparse" | "unknown" }
);
