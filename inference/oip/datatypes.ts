import type { TensorElement } from "#model-folder/manifest/list-output-fields.ts";

/**
 * The protocol's tensor element types: the kind of an element and its size in bytes (BYTES elements have their own length).
 * `min` and `max` bound the numbers of an element; for 64-bit integers they are the nearest doubles.
 * Source: Open Inference Protocol, "Tensor Data Types",
 * https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
 */
export const datatypes = {
  BOOL: { kind: "boolean", bytes: 1 },
  UINT8: { kind: "integer", bytes: 1, min: 0, max: 255 },
  UINT16: { kind: "integer", bytes: 2, min: 0, max: 65_535 },
  UINT32: { kind: "integer", bytes: 4, min: 0, max: 4_294_967_295 },
  UINT64: { kind: "integer", bytes: 8, min: 0, max: 2 ** 64 - 2 ** 11 },
  INT8: { kind: "integer", bytes: 1, min: -128, max: 127 },
  INT16: { kind: "integer", bytes: 2, min: -32_768, max: 32_767 },
  INT32: { kind: "integer", bytes: 4, min: -2_147_483_648, max: 2_147_483_647 },
  INT64: { kind: "integer", bytes: 8, min: -(2 ** 63), max: 2 ** 63 - 2 ** 10 },
  FP16: { kind: "float", bytes: 2, min: -65_504, max: 65_504 },
  FP32: { kind: "float", bytes: 4, min: -3.4028234663852886e38, max: 3.4028234663852886e38 },
  FP64: { kind: "float", bytes: 8, min: -Number.MAX_VALUE, max: Number.MAX_VALUE },
  BYTES: { kind: "text", bytes: undefined },
} as const;
/** The protocol's names for the elements of a manifest's tensors. */
export const elementDatatypes: Readonly<Record<TensorElement, Datatype>> = {
  float16: "FP16",
  float32: "FP32",
  float64: "FP64",
  int8: "INT8",
  int16: "INT16",
  int32: "INT32",
  int64: "INT64",
  uint8: "UINT8",
  uint16: "UINT16",
  uint32: "UINT32",
  uint64: "UINT64",
  bool: "BOOL",
  string: "BYTES",
};
export type Datatype = keyof typeof datatypes;
export type DatatypeKind = (typeof datatypes)[Datatype]["kind"];

export const isDatatype = (name: unknown): name is Datatype =>
  typeof name === "string" && Object.hasOwn(datatypes, name);
