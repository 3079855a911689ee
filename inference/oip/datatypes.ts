/**
 * The protocol's tensor element types: bytes an element (BYTES elements carry their own length) and what an element is.
 * `least` and `most` are the numbers that an element can hold; of the 64-bit ones the nearest that a double can.
 * Source: Open Inference Protocol, "Tensor Data Types",
 * https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
 */
export const datatypes = {
  BOOL: { kind: "boolean", bytes: 1 },
  UINT8: { kind: "integer", bytes: 1, least: 0, most: 255 },
  UINT16: { kind: "integer", bytes: 2, least: 0, most: 65_535 },
  UINT32: { kind: "integer", bytes: 4, least: 0, most: 4_294_967_295 },
  UINT64: { kind: "integer", bytes: 8, least: 0, most: 2 ** 64 - 2 ** 11 },
  INT8: { kind: "integer", bytes: 1, least: -128, most: 127 },
  INT16: { kind: "integer", bytes: 2, least: -32_768, most: 32_767 },
  INT32: { kind: "integer", bytes: 4, least: -2_147_483_648, most: 2_147_483_647 },
  INT64: { kind: "integer", bytes: 8, least: -(2 ** 63), most: 2 ** 63 - 2 ** 10 },
  FP16: { kind: "float", bytes: 2, least: -65_504, most: 65_504 },
  FP32: { kind: "float", bytes: 4, least: -3.4028234663852886e38, most: 3.4028234663852886e38 },
  FP64: { kind: "float", bytes: 8, least: -Number.MAX_VALUE, most: Number.MAX_VALUE },
  BYTES: { kind: "text", bytes: undefined },
} as const;
export type Datatype = keyof typeof datatypes;
export type DatatypeKind = (typeof datatypes)[Datatype]["kind"];

export const isDatatype = (name: unknown): name is Datatype =>
  typeof name === "string" && Object.hasOwn(datatypes, name);
